use sceau_dossiers::{MIGRATIONS, mob, statements};
use sceau_store::judge::PostgresJudge;

#[test]
fn postgresql_accepts_our_tables_and_statements() {
    let mob = [mob::statements::ALL, mob::letter_statements::ALL, mob::settling_statements::ALL].concat();
    let all = [statements::ALL, mob::http::statements::ALL, &mob].concat();
    // One asks the outbox what it holds.
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    PostgresJudge::start().unwrap().accepts(&migrations, &all).unwrap();
}
