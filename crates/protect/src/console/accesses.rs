//! What is on record about an organisation's protected data: calls of applications, and acts of people and of the element.
//!
//! Where to look in the log is what [`crate::Tally`] counted; what a record says comes from the element, and the page verifies its proof. A database that
//! counts too little hides records from this list, and no other.

use sceau_element_api::ApplicationId;
use sceau_element_api::documents::Remit;
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::MAX_ENTRIES;
use sceau_trace::{Outcome, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Console, ConsoleFault};
use crate::rows::{Stretch, Stretches};
use crate::tally::{HOUR, application_of, is_of_protection};

/// Records of one page.
const PAGE: usize = 25;
/// Entries of the log that one page looks at, at most: the next one goes on.
const LOOKED_AT: u64 = 8 * MAX_ENTRIES;
/// Stretches of the log that one page is told of.
const STRETCHES: u64 = 512;
/// Calls about one datum that one page looks at.
const OF_DATUM: usize = 100;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// As it was asked.
    Granted,
    /// Not.
    Refused,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// An application, for a user of its own.
    Applications,
    /// A person of the organisation's, or the element by itself.
    Administration,
}

/// Which records; what is left out is not asked. Times are Unix milliseconds.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// Then or later.
    pub from: Option<u64>,
    /// Before.
    pub until: Option<u64>,
    /// By this application.
    #[param(value_type = Option<String>)]
    pub application: Option<ApplicationId>,
    /// About this datum: calls of its application.
    #[param(value_type = Option<String>)]
    pub datum: Option<DatumId>,
    /// `granted` or `refused`.
    #[param(value_type = Option<String>)]
    pub outcome: Option<How>,
    /// `applications` or `administration`.
    #[param(value_type = Option<String>)]
    pub by: Option<By>,
    /// Where the page before ended: its `next`.
    pub before: Option<u64>,
}

/// A page of the records, the last one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnRecord {
    /// May be few, or none, where there is a `next`.
    pub records: Vec<RecordLine>,
    /// Give it as `before` for what came earlier; null where everything was looked at.
    pub next: Option<u64>,
    /// How far this page came, where there is a `next`: Unix milliseconds.
    pub reached: Option<u64>,
}

/// A record, as a list says it. Its evidence proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordLine {
    /// Its index in the log.
    pub index: u64,
    /// Unix milliseconds.
    pub time: u64,
    /// What was done, or tried: an action of the log's.
    pub action: String,
    /// How it ended.
    pub outcome: How,
    /// Why it was refused; empty where it was granted.
    pub code: String,
    /// The application that called; null where a person or the element acted.
    pub application: Option<String>,
}

impl Console {
    /// A page of what is on record about protected data within a remit.
    ///
    /// # Errors
    /// When the datum is not theirs, or the database or the element does not answer.
    pub async fn records(&self, remit: &Remit, looked: &Looked) -> Result<OnRecord, ConsoleFault> {
        match looked.datum {
            Some(datum) => self.records_of_datum(remit, datum, looked).await,
            None => self.records_of_all(remit, looked).await,
        }
    }

    /// The evidence file of a record of theirs, with its names in clear, where they are not forgotten.
    ///
    /// # Errors
    /// When there is none, or it is not theirs, or not about protection; when the element does not answer.
    pub async fn evidence(&self, remit: &Remit, index: u64) -> Result<Value, ConsoleFault> {
        let text = self.element.evidence(index).await?;
        let evidence =
            sceau_trace::Evidence::parse(text.as_bytes()).map_err(|_| ConsoleFault::element_answer())?;
        let record = evidence.record_bytes().ok().and_then(|bytes| Record::parse(&bytes).ok());
        let record = record.ok_or_else(ConsoleFault::element_answer)?;
        if !is_theirs(&record, remit) {
            return Err(ConsoleFault::not_found());
        }
        serde_json::to_value(evidence).map_err(|_| ConsoleFault::element_answer())
    }

    /// Follows what is on record about a datum, which the element has as a chain.
    async fn records_of_datum(
        &self,
        remit: &Remit,
        id: DatumId,
        looked: &Looked,
    ) -> Result<OnRecord, ConsoleFault> {
        let (_, _, datum) = self.theirs(remit, id).await?;
        let accesses = self.element.accesses(id, looked.before, OF_DATUM).await?;
        let mut page = OnRecord::default();
        for access in accesses.list {
            if page.records.len() == PAGE {
                return Ok(page);
            }
            (page.next, page.reached) = (Some(access.index), Some(access.time));
            let called = access.act.is_none() && !access.is_signature();
            let line = RecordLine {
                index: access.index,
                time: access.time,
                action: access.action,
                outcome: if access.refused.is_some() { How::Refused } else { How::Granted },
                code: access.refused.unwrap_or_default(),
                application: called.then(|| datum.application.to_string()),
            };
            page.records.extend(Some(line).filter(|line| looked.finds(line)));
        }
        if accesses.next.is_none() {
            (page.next, page.reached) = (None, None);
        }
        Ok(page)
    }

    /// Reads the log from its end, as far as something was counted there.
    async fn records_of_all(&self, remit: &Remit, looked: &Looked) -> Result<OnRecord, ConsoleFault> {
        let told = self.rows.stretches(remit.organisation, &looked.stretches(), STRETCHES).await?;
        let whole = u64::try_from(told.len()).unwrap_or(u64::MAX) < STRETCHES;
        let mut walk = Walk::new(&told, looked.before.unwrap_or(u64::MAX), whole);
        let mut page = OnRecord::default();
        let mut looked_at = 0;
        while let Some((first, count)) = walk.step() {
            if looked_at + count > LOOKED_AT {
                return Ok(page);
            }
            looked_at += count;
            let entries = self.from(first, count).await?;
            for (at, entry) in entries.iter().enumerate().rev() {
                if page.records.len() == PAGE {
                    return Ok(page);
                }
                let index = first + u64::try_from(at).unwrap_or(u64::MAX);
                let Ok(record) = Record::parse(entry) else { continue };
                (page.next, page.reached) = (Some(index), Some(record.time()));
                let line = RecordLine::of(index, &record, remit);
                page.records.extend(line.filter(|line| looked.finds(line)));
            }
            walk.came_to(first);
        }
        if whole {
            (page.next, page.reached) = (None, None);
        }
        Ok(page)
    }

    /// Entries from one on: all of them, though the element may give fewer at once.
    async fn from(&self, first: u64, count: u64) -> Result<Vec<Vec<u8>>, ConsoleFault> {
        let mut entries = Vec::new();
        loop {
            let came = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            if came >= count {
                return Ok(entries);
            }
            let more = self.element.entries(first + came, count - came).await?;
            if more.is_empty() {
                return Err(ConsoleFault::element_answer());
            }
            entries.extend(more);
        }
    }
}

/// A way through the log, from its end, over the stretches where something was counted.
struct Walk<'a> {
    told: &'a [Stretch],
    /// The index before which to go on.
    before: u64,
}

impl<'a> Walk<'a> {
    /// Where the stretches are not all, the last hour of them may lack some: it is left for the next page, unless it is the only one.
    fn new(told: &'a [Stretch], before: u64, whole: bool) -> Self {
        let hour = told.last().map(|last| last.hour).filter(|_| !whole);
        let end = told.iter().position(|one| Some(one.hour) == hour).filter(|end| *end > 0);
        Self { told: told.get(..end.unwrap_or(told.len())).unwrap_or(told), before }
    }

    /// The next entries to look at: the first of them, and how many, at most as many as the element gives at once.
    fn step(&self) -> Option<(u64, u64)> {
        let ahead = self.told.iter().filter(|one| one.first < self.before);
        let last = ahead.clone().map(|one| one.last.min(self.before - 1)).max()?;
        let lowest = last.saturating_sub(MAX_ENTRIES - 1);
        // No further than where one of those begins that reach to here: below it, there may be nothing for long.
        let first = ahead.filter(|one| one.last >= lowest).map(|one| one.first.max(lowest)).min()?;
        Some((first, last - first + 1))
    }

    fn came_to(&mut self, first: u64) {
        self.before = first;
    }
}

impl Looked {
    fn stretches(&self) -> Stretches {
        Stretches {
            from: self.from.map_or(0, |from| from / HOUR * HOUR),
            until: self.until.unwrap_or(u64::MAX),
            before: self.before.unwrap_or(u64::MAX),
            application: self.application.map(|id| id.to_string()).unwrap_or_default(),
            outcome: match self.outcome {
                None => "",
                Some(How::Granted) => "granted",
                Some(How::Refused) => "refused",
            },
            by: match self.by {
                None => "",
                Some(By::Applications) => "applications",
                Some(By::Administration) => "administration",
            },
        }
    }

    fn finds(&self, line: &RecordLine) -> bool {
        let of = |id: ApplicationId| line.application.as_deref() == Some(id.to_string().as_str());
        self.from.is_none_or(|from| line.time >= from)
            && self.until.is_none_or(|until| line.time < until)
            && self.application.is_none_or(of)
            && self.outcome.is_none_or(|outcome| line.outcome == outcome)
            && self.by.is_none_or(|by| (by == By::Applications) == line.application.is_some())
    }
}

impl RecordLine {
    /// A record's line; none where it is not theirs.
    fn of(index: u64, record: &Record, remit: &Remit) -> Option<Self> {
        let action = record.action().to_string();
        let outcome = if record.outcome() == Outcome::Refused { How::Refused } else { How::Granted };
        let application = Some(application_of(record)).filter(|id| !id.is_empty()).map(str::to_owned);
        let line =
            Self { index, time: record.time(), code: record.code().to_owned(), outcome, application, action };
        Some(line).filter(|_| is_theirs(record, remit))
    }
}

/// Whether a record is about protection, and theirs to see. Officers of some applications see what those did, and what was done to them and their data: the log names
/// the application in clear.
fn is_theirs(record: &Record, remit: &Remit) -> bool {
    let applications =
        record.subjects().iter().filter(|it| it.kind == "application").map(|it| it.id.as_str());
    let mut applications = std::iter::once(application_of(record)).chain(applications);
    let of_one = |id: &str| id.parse().is_ok_and(|id| remit.has(id));
    record.organisation() == Some(remit.organisation.to_string().as_str())
        && is_of_protection(record.action().as_str())
        && (remit.applications.is_none() || applications.any(of_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All entries that a walk looks at, the last first.
    fn walked(told: &[(u64, u64)], before: u64) -> Vec<(u64, u64)> {
        let told: Vec<_> =
            told.iter().map(|(first, last)| Stretch { hour: 0, first: *first, last: *last }).collect();
        let mut walk = Walk::new(&told, before, true);
        let mut steps = vec![];
        while let Some((first, count)) = walk.step() {
            steps.push((first, first + count - 1));
            walk.came_to(first);
        }
        steps
    }

    #[test]
    fn what_lies_between_stretches_is_not_read() {
        assert_eq!(walked(&[(1000, 1000), (10, 20), (15, 30)], u64::MAX), [(1000, 1000), (10, 30)]);
        assert_eq!(walked(&[(1000, 1000), (10, 20), (15, 30)], 18), [(10, 17)]);
        assert_eq!(walked(&[(0, 600)], 600), [(344, 599), (88, 343), (0, 87)]);
        assert_eq!(walked(&[(5, 5)], 5), []);
        assert_eq!(walked(&[], u64::MAX), []);
    }

    #[test]
    fn an_hour_that_is_not_told_whole_is_left_for_the_next_page() {
        let told = [(3, 50), (3, 40), (2, 30)].map(|(hour, at)| Stretch { hour, first: at, last: at });
        assert_eq!(Walk::new(&told, u64::MAX, false).told.len(), 2);
        assert_eq!(Walk::new(&told, u64::MAX, true).told.len(), 3);
        assert_eq!(Walk::new(&told[..2], u64::MAX, false).told.len(), 2);
    }
}
