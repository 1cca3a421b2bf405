//! Lists of subscriptions: asked for by what they hold, read in pieces, so that no list is cut and none fills the memory.

use axum::Json;
use axum::extract::{Query, State};
use sceau_element_api::SchemeId;
use sceau_element_api::wire::RecordDraft;
use sceau_store::{Row, params};
use sceau_trace::Action;
use serde::Deserialize;
use serde_json::{Value, json};
use time::{Date, Month};

use super::callers::Reader;
use super::refusal::Answer;
use super::requests::text_time;
use super::rows::{Request, Status, request};
use super::{MobHost, statements};
use crate::Fault;

/// The most subscriptions in an answer, and as many as are given where nothing is said.
const LIST: usize = 200;
/// Of one citizen.
const PAGE: usize = 10;
/// Rows that are read at once.
const PIECE: usize = 256;
/// A list of values that none is in.
const NONE: &str = ",,";

/// What a list is asked for; lists of values are separated by commas.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    status: Option<String>,
    incentive_id: Option<String>,
    incentive_type: Option<String>,
    last_name: Option<String>,
    citizen_id: Option<String>,
    year: Option<String>,
    skip: Option<usize>,
    limit: Option<usize>,
}

/// A part of a list.
#[derive(Debug)]
struct Part {
    shown: Vec<Request>,
    /// How many there are from the first one on that was counted: all of a citizen's, else no more than were looked at.
    count: usize,
}

/// `GET /v1/subscriptions`: what the caller may read and has been sent.
pub(super) async fn list(
    State(host): State<MobHost>,
    Query(filter): Query<Filter>,
    caller: Reader,
) -> Answer<Json<Value>> {
    if filter.status.as_ref().is_some_and(|status| status.contains(Status::Draft.as_str())) {
        return Ok(Json(json!({"subscriptions": [], "count": 0})));
    }
    let part = host.part_of_list(&caller, &filter).await?;
    let draft = RecordDraft::new(caller.actor(), Action::DOSSIER_LIST);
    let draft = match &caller {
        Reader::Funder(funder) => draft.organisation(funder.organisation),
        Reader::Depositor(_) => draft,
    };
    host.dossiers().element().append(draft.granted()).await?;
    let mut views = Vec::new();
    for request in &part.shown {
        views.push(host.view(request).await?);
    }
    Ok(Json(match &filter.citizen_id {
        Some(_) => json!({"subscriptions": views, "count": part.count}),
        None => views.into(),
    }))
}

impl MobHost {
    async fn part_of_list(&self, caller: &Reader, filter: &Filter) -> Answer<Part> {
        let (statement, of) = match caller {
            Reader::Depositor(depositor) => (statements::REQUESTS_OF_OWNER, depositor.owner()),
            Reader::Funder(funder) => (statements::REQUESTS_OF_FUNDER, funder.organisation.to_string()),
        };
        let (skip, most) = (filter.skip.unwrap_or_default(), filter.most());
        let years = filter.years();
        let mut part = Part { shown: Vec::new(), count: 0 };
        let (mut created, mut id) = (i64::MAX.cast_unsigned(), String::new());
        loop {
            let values = params![
                of.as_str(),
                created,
                id,
                years.0,
                years.1,
                filter.citizen_id.as_deref().unwrap_or_default(),
                filter.schemes(),
                filter.statuses(),
                filter.kinds(),
                filter.name(),
                PIECE as u64
            ];
            let rows = self.database().fetch_all(statement, values).await?;
            for row in &rows {
                let Some(request) = self.readable_row(row).await else { continue };
                if !filter.takes(&request, self.incentive_type(&request)) {
                    continue;
                }
                if part.count >= skip && part.shown.len() < most {
                    part.shown.push(request);
                }
                part.count += 1;
            }
            // Only a citizen's are counted.
            let done = filter.citizen_id.is_none() && part.shown.len() >= most;
            let Some(last) = rows.last().filter(|_| rows.len() == PIECE && !done) else { return Ok(part) };
            (created, id) = (last.get("created")?, last.get("id")?);
        }
    }

    /// One that was tampered with hides no other.
    async fn readable_row(&self, row: &Row) -> Option<Request> {
        if let Ok(request) = request(row) {
            return Some(request);
        }
        let fault = Fault::Tampered { kind: "request", id: row.get("id").unwrap_or_default() };
        self.dossiers().note_tampering(&fault).await;
        None
    }
}

impl Filter {
    fn most(&self) -> usize {
        let most = if self.citizen_id.is_some() { PAGE } else { LIST };
        self.limit.unwrap_or(most).clamp(1, most)
    }

    /// `,A,B,` of the values that `known` says are some; empty where nothing was asked.
    fn values<T: ToString>(asked: Option<&String>, known: impl Fn(&str) -> Option<T>) -> String {
        let Some(asked) = asked else { return String::new() };
        let mut list = String::from(",");
        for value in asked.split(',').filter_map(known) {
            list.push_str(&value.to_string());
            list.push(',');
        }
        if list == "," { NONE.to_owned() } else { list }
    }

    fn statuses(&self) -> String {
        Self::values(self.status.as_ref(), |asked| {
            Status::ALL.iter().map(|(name, _)| *name).find(|name| *name == asked)
        })
    }

    fn schemes(&self) -> String {
        Self::values(self.incentive_id.as_ref(), |asked| asked.parse::<SchemeId>().ok())
    }

    /// Those that a company decides, those that none does, or both.
    fn kinds(&self) -> &'static str {
        let Some(asked) = &self.incentive_type else { return "" };
        let has = |kind| asked.split(',').any(|one| one == kind);
        match (has("AideEmployeur"), has("AideTerritoire")) {
            (true, true) => "",
            (true, false) => "company",
            (false, true) => "none",
            (false, false) => NONE,
        }
    }

    /// A pattern of family names.
    fn name(&self) -> String {
        let name = self.last_name.as_deref().unwrap_or_default().to_lowercase();
        let plain = name.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("%{plain}%")
    }

    /// From the first to the last year that is asked for, in Unix milliseconds: what lies between is looked at again.
    fn years(&self) -> (u64, u64) {
        let Some(asked) = &self.year else { return (0, i64::MAX.cast_unsigned()) };
        let begins = |year: i32| {
            let day = Date::from_calendar_date(year, Month::January, 1).ok()?;
            u64::try_from(day.midnight().assume_utc().unix_timestamp() * 1000).ok()
        };
        let years = || asked.split(',').filter_map(|year| year.parse::<i32>().ok());
        let first = years().min().and_then(begins);
        let last = years().max().and_then(|year| begins(year.checked_add(1)?));
        first.zip(last).unwrap_or_default()
    }

    fn takes(&self, request: &Request, kind: &str) -> bool {
        let among = |list: &Option<String>, value: &str| {
            list.as_ref().is_none_or(|list| list.split(',').any(|one| one == value))
        };
        let year = text_time(request.updated).get(..4).unwrap_or_default().to_owned();
        let name = self.last_name.as_ref().map(|name| name.to_lowercase());
        among(&self.status, request.status.as_str())
            && among(&self.incentive_type, kind)
            && among(&self.year, &year)
            && self.citizen_id.as_ref().is_none_or(|id| *id == request.person.id)
            && name.is_none_or(|name| request.person.last_name.to_lowercase().contains(&name))
    }
}
