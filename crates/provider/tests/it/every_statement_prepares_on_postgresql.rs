use sceau_provider::{MIGRATIONS, statements};
use sceau_store::judge::PostgresJudge;

#[test]
fn every_statement_and_migration_of_the_host_is_postgresql_too() {
    PostgresJudge::start().unwrap().accepts(MIGRATIONS, statements::ALL).unwrap();
}
