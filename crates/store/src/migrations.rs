//! How tables come to be: portable texts, applied in order, once, and never edited afterwards.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::{Database, Statement, StoreError, Transaction, params};

/// A step of one room's schema.
///
/// The name is `room/0001-words`. Rooms are independent; within one, order is that of registration, and a step
/// may only be added at the end.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// `room/0001-words`.
    pub name: &'static str,
    /// Portable SQL, one or more statements. Behind a table whose rows lie in its primary key, `/* SQLite: WITHOUT ROWID */`: that halves a table of
    /// short rows there, and PostgreSQL has no such thing.
    pub sql: &'static str,
}

impl Migration {
    fn room(&self) -> &'static str {
        self.name.split_once('/').map_or(self.name, |(room, _)| room)
    }

    fn checksum(&self) -> String {
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.sql.as_bytes()))
    }
}

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    name TEXT NOT NULL PRIMARY KEY,
    checksum TEXT NOT NULL
)";

pub(crate) mod statements {
    crate::statements! {
        pub APPLIED_MIGRATIONS = "SELECT name, checksum FROM schema_migration";
        pub RECORD_MIGRATION = "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)";
    }
}

/// Brings the schema to what `migrations` say, in one transaction, or refuses and changes nothing.
pub(crate) async fn apply(database: &Database, migrations: &[Migration]) -> Result<(), StoreError> {
    // One process at a time: another that starts meanwhile then finds nothing to apply.
    let mut transaction = database.begin_migration().await?;
    transaction.run_script("schema_migration", LEDGER).await?;
    let applied = applied(&mut transaction).await?;
    for migration in pending(migrations, &applied)? {
        transaction
            .run_script(migration.name, migration.sql)
            .await
            .map_err(|error| StoreError::Schema(format!("a migration failed: {error}")))?;
        transaction
            .execute(statements::RECORD_MIGRATION, params![migration.name, migration.checksum()])
            .await?;
    }
    transaction.commit().await
}

async fn applied(transaction: &mut Transaction) -> Result<HashMap<String, String>, StoreError> {
    let rows = transaction.fetch_all(statements::APPLIED_MIGRATIONS, params![]).await?;
    rows.iter().map(|row| Ok((row.get("name")?, row.get("checksum")?))).collect()
}

/// What is to be applied, in order; an error if past and program do not agree.
fn pending<'m>(
    migrations: &'m [Migration],
    applied: &HashMap<String, String>,
) -> Result<Vec<&'m Migration>, StoreError> {
    let known: HashSet<&str> = migrations.iter().map(|migration| migration.name).collect();
    if known.len() != migrations.len() {
        return Err(StoreError::Schema("two migrations have the same name".into()));
    }
    if let Some(unknown) = applied.keys().find(|name| !known.contains(name.as_str())) {
        return Err(StoreError::Schema(format!(
            "the database was migrated by a newer or another program: {unknown} is not known here; \
             start the version that wrote it, or restore a backup"
        )));
    }
    let mut pending = Vec::new();
    let mut rooms_behind = HashSet::new();
    for migration in migrations {
        match applied.get(migration.name) {
            None => {
                rooms_behind.insert(migration.room());
                pending.push(migration);
            }
            Some(checksum) if *checksum != migration.checksum() => {
                return Err(StoreError::Schema(format!(
                    "migration {} was edited after it was applied; add a new one instead",
                    migration.name
                )));
            }
            Some(_) if rooms_behind.contains(migration.room()) => {
                return Err(StoreError::Schema(format!(
                    "migration {} was applied before an earlier one of its room; add new ones at the end",
                    migration.name
                )));
            }
            Some(_) => {}
        }
    }
    Ok(pending)
}

/// One script for `psql`: the migrations, then `PREPARE` of each statement, so that PostgreSQL judges both.
pub fn portable_script(migrations: &[Migration], statements: &[Statement]) -> String {
    let mut script = format!("\\set ON_ERROR_STOP on\n{LEDGER};\n");
    for migration in migrations {
        let _ =
            writeln!(script, "-- {}\n{};", migration.name, migration.sql.trim_end().trim_end_matches(';'));
    }
    for (number, statement) in statements.iter().chain(self::statements::ALL).enumerate() {
        let _ = writeln!(script, "-- {}\nPREPARE s{number} AS {};", statement.name(), statement.sql());
    }
    script
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const FIRST: Migration = Migration { name: "a/0001", sql: "CREATE TABLE a (id TEXT)" };
    const SECOND: Migration = Migration { name: "a/0002", sql: "CREATE TABLE b (id TEXT)" };
    const OTHER: Migration = Migration { name: "z/0001", sql: "CREATE TABLE z (id TEXT)" };

    fn after(migrations: &[Migration]) -> HashMap<String, String> {
        migrations.iter().map(|migration| (migration.name.to_owned(), migration.checksum())).collect()
    }

    #[test]
    fn a_room_may_grow_while_another_was_already_there() {
        let all = [FIRST, SECOND, OTHER];
        let pending = pending(&all, &after(&[FIRST, OTHER])).unwrap();
        assert_eq!(pending.iter().map(|migration| migration.name).collect::<Vec<_>>(), ["a/0002"]);
    }

    #[test]
    fn an_edited_a_missing_an_inserted_and_a_doubled_migration_are_refused() {
        let edited = Migration { sql: "CREATE TABLE a (id BIGINT)", ..FIRST };
        let past = after(&[FIRST, SECOND]);
        for (registered, word) in [
            (vec![edited, SECOND], "edited"),
            (vec![FIRST], "newer"),
            (vec![Migration { name: "a/0000", sql: "SELECT 1" }, FIRST, SECOND], "before an earlier"),
            (vec![FIRST, FIRST, SECOND], "same name"),
        ] {
            let error = pending(&registered, &past).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
