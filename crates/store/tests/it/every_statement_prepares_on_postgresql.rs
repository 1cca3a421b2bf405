use sceau_store::judge::PostgresJudge;
use sceau_store::{MIGRATIONS, Migration, Statement, outbox_statements};

#[test]
fn postgresql_accepts_ours_and_refuses_what_is_not_portable() {
    let judge = PostgresJudge::start().unwrap();
    judge.accepts(MIGRATIONS, outbox_statements::ALL).unwrap();

    let foreign = Statement::new("FOREIGN", "INSERT OR REPLACE INTO outbox (id) VALUES ($1)");
    assert!(judge.accepts(MIGRATIONS, &[foreign]).unwrap_err().contains("syntax error"));
    let blob = Migration { name: "t/0001", sql: "CREATE TABLE t (b BLOB)" };
    assert!(judge.accepts(&[blob], &[]).unwrap_err().contains("blob"));
}
