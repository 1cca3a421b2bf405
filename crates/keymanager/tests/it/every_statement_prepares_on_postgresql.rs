use sceau_keymanager::{MIGRATIONS, statements};
use sceau_store::judge::PostgresJudge;

#[test]
fn postgresql_accepts_our_tables_and_statements() {
    PostgresJudge::start().unwrap().accepts(MIGRATIONS, statements::ALL).unwrap();
}
