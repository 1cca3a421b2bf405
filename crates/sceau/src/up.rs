//! `sceau up`: every role on one machine, one process each, with the data and the ports of the last time.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use serde_json::Value;

use sceau_store::ClamdAddress;

use crate::failure::Failure;
use crate::house::{House, Layout};
use crate::serve::{asked_to_end, say_ready};

/// What to start, and where its data is.
#[derive(Debug, clap::Args)]
pub(crate) struct UpOptions {
    /// Folder of everything that is kept from one start to the next
    #[arg(long, default_value = ".sceau")]
    pub(crate) data: PathBuf,
    /// Make a demonstration organisation with a scheme and a case officer, through the public API
    #[arg(long)]
    demonstration: bool,
    /// Settings of the platform (docs/deploy/README.md), in the place of what is embedded
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A ClamAV daemon, unix:/path or tcp:127.0.0.1:port: an intake then scans documents for the schemes that ask for it
    #[arg(long, value_name = "ADDRESS")]
    antivirus: Vec<ClamdAddress>,
}

/// Starts everything, shows where to go, and ends it all on a signal.
pub(crate) async fn run(options: &UpOptions) -> Result<(), Failure> {
    let layout = Layout::open(&options.data)?;
    let mut house = House::start(&layout, &options.antivirus, options.config.as_deref()).await?;
    let shown = if options.demonstration {
        crate::demonstration::show(&mut house, &layout).await
    } else {
        house.start_key_manager(&layout).await.map(|_| Value::Null)
    };
    let demonstration = match shown {
        Ok(demonstration) => demonstration,
        Err(failure) => {
            house.stop().await;
            return Err(failure);
        }
    };
    house.show();
    // Who reads that it is up may end it at once.
    let end = asked_to_end()?;
    // Programs read standard output; people have read the lines above.
    if !std::io::stdout().is_terminal() {
        say_ready(&house.ready(&demonstration))?;
    }
    house.keep_until(end, &layout).await
}
