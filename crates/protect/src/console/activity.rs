//! How much is asked for, and how it ends: counted, and never gathered from the log while somebody waits.

use sceau_element_api::OrganisationId;
use sceau_element_api::documents::Remit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Console, ConsoleFault};
use crate::rows::{DAY, Outcomes};
use crate::tally::HOUR;

/// Days within which a datum ends soon.
const ENDING_WITHIN: u64 = 30;
/// The longest time that is asked about at once.
const LONGEST: u64 = 100 * 24 * HOUR;

/// From when to when, in Unix milliseconds: whole hours, 100 days at most.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first hour.
    pub from: u64,
    /// The hour after the last one.
    pub until: u64,
}

/// What was counted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Activity {
    /// Hours with calls of applications, in their order.
    pub hours: Vec<CallsOfHour>,
    /// Calls by application.
    pub applications: Vec<CallsOfApplication>,
    /// Why calls were refused, the most frequent first: at most 20.
    pub refusals: Vec<RefusedFor>,
    /// Data by state, as the database has them; null for officers of some applications: they are counted of the whole organisation.
    pub data: Option<DataCounted>,
    /// Entries of the log that were counted so far: what came later is not in it.
    pub counted: u64,
    /// Entries that the log has.
    pub size: u64,
}

/// How many data there are. A datum has ended from the day after its key's last one on (UTC).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DataCounted {
    /// In use: their keys are given out.
    pub active: u64,
    /// Whose owners stopped them.
    pub inactive: u64,
    /// Held by administrators or data officers.
    pub held: u64,
    /// Ended.
    pub expired: u64,
    /// Erased.
    pub erased: u64,
    /// Of those in use, how many end on each of the next days.
    pub ending: Vec<Ending>,
}

/// Data whose keys end on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ending {
    /// When the day begins (UTC), in Unix milliseconds.
    pub day: u64,
    /// How many.
    pub data: u64,
}

/// Calls within an hour.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallsOfHour {
    /// When it begins, in Unix milliseconds.
    pub hour: u64,
    /// Those that were granted.
    pub granted: u64,
    /// Those that were refused.
    pub refused: u64,
}

/// Calls of an application.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallsOfApplication {
    /// Which.
    pub application: String,
    /// Those that were granted.
    pub granted: u64,
    /// Those that were refused.
    pub refused: u64,
}

/// A reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusedFor {
    /// The refusal's code.
    pub code: String,
    /// How often.
    pub calls: u64,
}

impl Console {
    /// How much applications of an organisation asked for, as far as they are within a remit.
    ///
    /// # Errors
    /// When the span is none, or too long; when the database or the element does not answer.
    pub async fn activity(&self, remit: &Remit, span: Span) -> Result<Activity, ConsoleFault> {
        let Span { from, until } = span;
        if !(from..from.saturating_add(LONGEST).saturating_add(1)).contains(&until) {
            return Err(ConsoleFault::malformed("from comes before until, by 100 days at most"));
        }
        let hours = self.rows.calls_by_hour(remit, from, until).await?.into_iter();
        let applications = self.rows.calls_by_application(remit.organisation, from, until).await?.into_iter();
        let applications = applications.filter(|(id, _)| id.parse().is_ok_and(|id| remit.has(id)));
        let refusals = self.rows.refusals_by_code(remit, from, until).await?.into_iter();
        let whole = remit.applications.is_none();
        let data = if whole { Some(self.data_counted(remit.organisation).await?) } else { None };
        let hour = |(hour, Outcomes { granted, refused })| CallsOfHour { hour, granted, refused };
        let of = |(application, Outcomes { granted, refused })| CallsOfApplication {
            application,
            granted,
            refused,
        };
        Ok(Activity {
            hours: hours.map(hour).collect(),
            applications: applications.map(of).collect(),
            refusals: refusals.map(|(code, calls)| RefusedFor { code, calls }).collect(),
            data,
            counted: self.rows.tallied().await?.next,
            size: self.element.hello().await?.size,
        })
    }

    async fn data_counted(&self, organisation: OrganisationId) -> Result<DataCounted, ConsoleFault> {
        let today = self.clock.now_ms() / DAY;
        let mut data = DataCounted::default();
        for (status, ended, n) in self.rows.stock(organisation, today).await? {
            let of = match (status.as_str(), ended) {
                ("erased", _) => &mut data.erased,
                ("held", _) => &mut data.held,
                ("active", false) => &mut data.active,
                ("active", true) => &mut data.expired,
                _ => &mut data.inactive,
            };
            *of += n;
        }
        let ending = self.rows.ending(organisation, today, today + ENDING_WITHIN).await?;
        data.ending = ending.into_iter().map(|(day, n)| Ending { day: day * DAY, data: n }).collect();
        Ok(data)
    }
}
