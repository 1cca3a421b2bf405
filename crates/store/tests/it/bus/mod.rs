//! The bus, with the real broker over TLS, and an HR side that we did not write.

mod each_company_sees_its_own_queues_only;
mod messages_arrive_or_wait;
mod replies_are_settled_before_they_go;

use std::sync::OnceLock;

use sceau_store::bus::Company;
use sceau_store::judge::{HrJudge, RabbitJudge};

/// One broker for all; each test has companies of its own.
pub(crate) fn judge() -> &'static RabbitJudge {
    static JUDGE: OnceLock<RabbitJudge> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let names =
            ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda"];
        let mut companies: Vec<(&str, Option<u32>)> = names.map(|name| (name, None)).to_vec();
        companies.push(("narrow", Some(3)));
        RabbitJudge::start(&companies).expect("a broker")
    })
}

pub(crate) fn company(name: &str) -> Company {
    name.parse().unwrap()
}

/// The HR system of a company, or of who pretends to be one.
pub(crate) struct Hr(HrJudge);

impl Hr {
    /// With the login of `who`, in the virtual host of `whose`.
    pub(crate) fn of(who: &str, whose: &str) -> Self {
        Self(HrJudge::of(judge(), who, whose).unwrap())
    }

    pub(crate) fn start(login: &str, password: &str, vhost: &str) -> Self {
        Self(HrJudge::start(judge(), login, password, vhost).unwrap())
    }
}

impl std::ops::Deref for Hr {
    type Target = HrJudge;

    fn deref(&self) -> &HrJudge {
        &self.0
    }
}
