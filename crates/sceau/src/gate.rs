//! `sceau gate`: the program `sceau-gate`, within this one.

use sceau_gate::{Error, GateCommand};

use crate::failure::{Exit, Failure};

/// Runs the gate until it is asked to end, or looks at its configuration.
pub(crate) async fn run(command: GateCommand) -> Result<(), Failure> {
    command.run().await.map_err(refused)
}

fn refused(error: Error) -> Failure {
    let (exit, code) = if error.is_of_the_system() {
        (Exit::System, "gate_system")
    } else {
        (Exit::Input, "gate_configuration")
    };
    Failure::new(exit, code, error.to_string())
}
