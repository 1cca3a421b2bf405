//! What a test of the database stands on: a SQLite file, or a database of a real PostgreSQL. Each behaviour is tested on both.

use std::sync::Arc;

use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Migration, Postgres, StoreError};
use tempfile::TempDir;

pub(crate) enum Ground {
    File(TempDir),
    /// The server lives as long as somebody holds it.
    Server {
        _judge: Arc<PostgresJudge>,
        url: String,
    },
}

impl Ground {
    pub(crate) fn file() -> Self {
        Self::File(TempDir::new().unwrap())
    }

    pub(crate) fn server() -> Self {
        let judge = PostgresJudge::shared().unwrap();
        let url = judge.database().unwrap();
        Self::Server { _judge: judge, url }
    }

    pub(crate) async fn open(&self, migrations: &[Migration]) -> Result<Database, StoreError> {
        match self {
            Self::File(folder) => Database::open(&folder.path().join("db"), migrations).await,
            Self::Server { url, .. } => {
                Database::connect(&Postgres::at(url.parse().unwrap()), migrations).await
            }
        }
    }
}

/// Each behaviour as two tests, one for each database.
macro_rules! on_both {
    ($($behaviour:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $behaviour() {
                super::$behaviour(&$crate::ground::Ground::file()).await;
            })+
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $behaviour() {
                super::$behaviour(&$crate::ground::Ground::server()).await;
            })+
        }
    };
}
