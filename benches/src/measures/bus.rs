//! Messages a second from the durable outbox into a quorum queue, each confirmed by a real broker, then gone from the outbox.

use std::sync::Arc;
use std::time::Instant;

use sceau_store::bus::{Company, Publisher};
use sceau_store::judge::RabbitJudge;
use sceau_store::{Database, MIGRATIONS, Message, Outbox, RetryPolicy, SystemClock};

use crate::Settings;
use crate::row::{Figure, Row, Target};

/// In flight at once, as the platform has it.
const AT_ONCE: u32 = 64;
const TOPIC: &str = "bench";

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let count = if settings.quick { 2_000 } else { 20_000 };
    let judge = RabbitJudge::start(&[("bench", None)])?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let seconds = runtime.block_on(delivered(&judge, count)).map_err(|error| error.to_string())?;
    let rate = Figure::new(f64::from(count) / seconds, "messages/s");
    Ok(vec![Row::figure(
        format!("outbox to RabbitMQ, {count} messages of 1 kB"),
        rate,
        Target::AtLeast(1000.0),
    )])
}

/// Seconds to deliver everything that was left in the outbox.
async fn delivered(judge: &RabbitJudge, count: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await?;
    let outbox = Outbox::new(database.clone(), Arc::new(SystemClock), RetryPolicy::default());
    let mut transaction = database.begin().await?;
    for _ in 0..count {
        outbox.enqueue(&mut transaction, TOPIC, &"x".repeat(1000)).await?;
    }
    transaction.commit().await?;
    let company: Company = "bench".parse()?;
    let publisher = Publisher::new(judge.broker(), Arc::new(SystemClock));
    let publish = move |message: Message| {
        let (publisher, company) = (publisher.clone(), company.clone());
        async move { publisher.publish(&company, &message.id, message.payload.as_bytes()).await }
    };
    let dispatcher = outbox.dispatcher().on(TOPIC, publish).at_once(AT_ONCE);
    let began = Instant::now();
    let delivered = dispatcher.deliver_due().await?;
    let seconds = began.elapsed().as_secs_f64();
    if delivered == count as usize {
        Ok(seconds)
    } else {
        Err(format!("{delivered} of {count} were delivered").into())
    }
}
