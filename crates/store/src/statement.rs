//! SQL texts as constants, listed so that none escapes the test against PostgreSQL.

/// One SQL text, portable between SQLite and PostgreSQL (TEXT, BIGINT, BYTEA, `$1`, `ON CONFLICT`).
///
/// Made by [`statements!`](crate::statements) only by convention, so that each one is in a list that tests prepare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    name: &'static str,
    sql: &'static str,
}

impl Statement {
    /// For the macro; write `statements! { pub NAME = "…"; }` instead.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql }
    }

    /// The constant's name, for errors and logs.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text.
    pub const fn sql(&self) -> &'static str {
        self.sql
    }
}

/// Makes [`Statement`] constants and a public list `ALL` of them, one use per module.
///
/// ```
/// sceau_store::statements! {
///     /// One account.
///     pub FIND_ACCOUNT = "SELECT id, email FROM account WHERE id = $1";
///     pub COUNT_ACCOUNTS = "SELECT count(*) AS n FROM account";
/// }
/// assert_eq!(ALL.len(), 2);
/// assert_eq!(FIND_ACCOUNT.name(), "FIND_ACCOUNT");
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $visibility:vis $name:ident = $sql:expr;)+) => {
        $(
            #[doc = concat!("`", $sql, "`")]
            $(#[$doc])*
            #[allow(unreachable_pub, reason = "the module says who sees it")]
            $visibility const $name: $crate::Statement = $crate::Statement::new(stringify!($name), $sql);
        )+
        /// Each statement of this module, for the test that prepares them on PostgreSQL.
        #[allow(unreachable_pub, reason = "the module says who sees it")]
        pub const ALL: &[$crate::Statement] = &[$($name),+];
    };
}

/// The values of a statement, in the order of `$1`, `$2`…: `params![id, email, now_ms]`.
#[macro_export]
macro_rules! params {
    () => { &[] as &[$crate::Value] };
    ($($value:expr),+ $(,)?) => { &[$($crate::Value::from($value)),+] as &[$crate::Value] };
}
