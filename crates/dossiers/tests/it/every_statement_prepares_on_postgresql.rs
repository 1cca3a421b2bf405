use sceau_dossiers::{MIGRATIONS, mob, statements};
use sceau_store::judge::PostgresJudge;

#[test]
fn postgresql_accepts_our_tables_and_statements() {
    let all =
        [statements::ALL, mob::statements::ALL, mob::http::statements::ALL, mob::settling_statements::ALL]
            .concat();
    PostgresJudge::start().unwrap().accepts(MIGRATIONS, &all).unwrap();
}
