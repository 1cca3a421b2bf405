//! Rules of a datum: from where, at what hours, how often and with whose agreement its key is given out.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Cidr;

/// Networks of one rule.
const MOST_NETWORKS: usize = 64;
const DAY: u64 = 24 * 60;

/// What bounds the openings of a datum, its owner's too. What is not said is not bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Networks that its key is given to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Cidr>,
    /// When it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// How often it is opened at most, since it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<u64>,
    /// Whether another user must have agreed to each opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_person: Option<SecondPerson>,
}

/// That another user agrees to each opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondPerson {
    /// For how many minutes an agreement is good, 1 to 1,440.
    pub within_minutes: u16,
}

/// Hours of days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The days on which they begin; every day, unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The first minute.
    pub from: TimeOfDay,
    /// The first minute after; before `from`, it is the next day's.
    pub until: TimeOfDay,
    /// How far the clock that they are read on is ahead of UTC. It does not change with the seasons.
    #[serde(default)]
    pub offset: Offset,
}

/// A day of the week (ISO 8601 order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "days of the week")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A minute of a day: `08:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// Minutes ahead of UTC: `+01:00`, at most 14 hours either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset(i16);

/// Which rule keeps an opening off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It comes from outside the networks, or nobody says from where.
    Network,
    /// It comes outside the hours.
    Hours,
}

impl Rules {
    /// Whether they are plausible.
    pub(crate) fn are_plausible(&self) -> bool {
        let hours =
            self.hours.as_ref().is_none_or(|hours| hours.from != hours.until && hours.days.len() <= 7);
        let second = self.second_person.is_none_or(|rule| (1..=1440).contains(&rule.within_minutes));
        hours
            && second
            && self.networks.len() <= MOST_NETWORKS
            && self.reads.is_none_or(|reads| reads < 1 << 53)
    }

    /// Whether the key may be given out to there at `now` (Unix milliseconds), as far as networks and hours say.
    ///
    /// # Errors
    /// The rule that keeps it off.
    pub fn admit(&self, address: Option<IpAddr>, now: u64) -> Result<(), Bound> {
        let of = |address| self.networks.iter().any(|network| network.contains(address));
        if !self.networks.is_empty() && !address.is_some_and(of) {
            return Err(Bound::Network);
        }
        if self.hours.as_ref().is_some_and(|hours| !hours.hold(now)) {
            return Err(Bound::Hours);
        }
        Ok(())
    }
}

impl Hours {
    /// Whether `now` (Unix milliseconds) is one of them.
    fn hold(&self, now: u64) -> bool {
        // Unix time began on a Thursday.
        let minutes = (now / 60_000 + 3 * DAY).saturating_add_signed(self.offset.0.into());
        let (day, minute) = (minutes / DAY % 7, minutes % DAY);
        let begins = |day: u64| self.days.is_empty() || self.days.iter().any(|one| *one as u64 == day);
        let (from, until) = (u64::from(self.from.0), u64::from(self.until.0));
        if from < until {
            begins(day) && (from..until).contains(&minute)
        } else {
            begins(day) && minute >= from || begins((day + 6) % 7) && minute < until
        }
    }
}

/// Hours and minutes of `08:30`.
fn clock(text: &str) -> Option<(u16, u16)> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| plain)
    };
    Some((two(hours)?, two(minutes).filter(|minutes| *minutes < 60)?))
}

impl TryFrom<String> for TimeOfDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let read = clock(&text).filter(|(hours, _)| *hours < 24);
        read.map(|(hours, minutes)| Self(hours * 60 + minutes)).ok_or("a time of day is written 08:30")
    }
}

impl From<TimeOfDay> for String {
    fn from(TimeOfDay(minutes): TimeOfDay) -> Self {
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl TryFrom<String> for Offset {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "an offset is written +01:00, and is at most 14 hours";
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(wrong),
        };
        let (hours, minutes) = clock(rest).filter(|time| *time <= (14, 0)).ok_or(wrong)?;
        i16::try_from(hours * 60 + minutes).map(|minutes| Self(sign * minutes)).map_err(|_| wrong)
    }
}

impl From<Offset> for String {
    fn from(Offset(minutes): Offset) -> Self {
        let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use serde_json::json;

    /// Monday 2026-11-23 00:00 UTC.
    const MONDAY: u64 = 1_795_392_000_000;

    fn at(day: u64, time: &str) -> u64 {
        let (hours, minutes) = clock(time).unwrap();
        MONDAY + (day * DAY + u64::from(hours * 60 + minutes)) * 60_000
    }

    fn hold(hours: serde_json::Value, now: u64) -> bool {
        let rules: Rules = serde_json::from_value(json!({ "hours": hours })).unwrap();
        rules.admit(None, now).is_ok()
    }

    #[test]
    fn hours_hold_from_their_first_minute_to_their_last_on_their_days() {
        let office = json!({"days": ["monday", "friday"], "from": "08:00", "until": "18:30"});
        for (day, time, open) in [
            (0, "07:59", false),
            (0, "08:00", true),
            (0, "18:29", true),
            (0, "18:30", false),
            (1, "12:00", false),
            (4, "12:00", true),
            (6, "12:00", false),
            (7, "12:00", true),
        ] {
            assert_eq!(hold(office.clone(), at(day, time)), open, "day {day}, {time}");
        }
        let every_day = json!({"from": "08:00", "until": "18:30"});
        assert!((0..7).all(|day| hold(every_day.clone(), at(day, "12:00"))));
    }

    #[test]
    fn a_night_is_of_the_day_on_which_it_begins_and_an_offset_moves_the_day() {
        let night = json!({"days": ["sunday"], "from": "22:00", "until": "06:00"});
        for (day, time, open) in [
            (6, "21:59", false),
            (6, "22:00", true),
            (7, "05:59", true),
            (7, "06:00", false),
            (6, "05:00", false),
        ] {
            assert_eq!(hold(night.clone(), at(day, time)), open, "day {day}, {time}");
        }
        let in_paris = json!({"days": ["monday"], "from": "00:00", "until": "08:00", "offset": "+01:00"});
        assert!(hold(in_paris.clone(), at(6, "23:00")) && !hold(in_paris.clone(), at(6, "22:59")));
        assert!(hold(in_paris.clone(), at(0, "06:59")) && !hold(in_paris, at(0, "07:00")));
        let west = json!({"days": ["sunday"], "from": "20:00", "until": "23:59", "offset": "-05:00"});
        assert!(hold(west.clone(), at(7, "01:00")) && !hold(west, at(6, "20:00")));
    }

    #[test]
    fn a_key_goes_to_the_networks_of_its_rule_and_nowhere_unknown() {
        let rules: Rules =
            serde_json::from_value(json!({"networks": ["10.1.0.0/16", "2001:db8::/32"]})).unwrap();
        let admits = |address: &str| rules.admit(address.parse().ok(), MONDAY);
        assert_eq!(admits("10.1.2.3"), Ok(()));
        assert_eq!(admits("::ffff:10.1.2.3"), Ok(()));
        assert_eq!(admits("2001:db8::7"), Ok(()));
        assert_eq!(admits("10.2.2.3"), Err(Bound::Network));
        assert_eq!(rules.admit(None, MONDAY), Err(Bound::Network));
        assert_eq!(Rules::default().admit(None, MONDAY), Ok(()));
    }

    #[test]
    fn what_is_no_rule_is_not_read() {
        for wrong in [
            json!({"hours": {"from": "8:00", "until": "18:00"}}),
            json!({"hours": {"from": "24:00", "until": "18:00"}}),
            json!({"hours": {"from": "08:60", "until": "18:00"}}),
            json!({"hours": {"from": "08:00", "until": "18:00", "offset": "01:00"}}),
            json!({"hours": {"from": "08:00", "until": "18:00", "offset": "+14:01"}}),
            json!({"hours": {"from": "08:00", "until": "18:00", "days": ["lundi"]}}),
            json!({"networks": ["everywhere"]}),
            json!({"reads": -1}),
            json!({"roles": []}),
        ] {
            assert!(serde_json::from_value::<Rules>(wrong.clone()).is_err(), "{wrong}");
        }
        let as_read = json!({
            "networks": ["10.1.0.0/16"], "reads": 3,
            "hours": {"days": ["monday"], "from": "08:00", "until": "18:05", "offset": "-03:30"},
        });
        let rules: Rules = serde_json::from_value(as_read.clone()).unwrap();
        assert_eq!(serde_json::to_value(&rules).unwrap(), as_read);
        assert!(rules.are_plausible());
        let never: Rules =
            serde_json::from_value(json!({"hours": {"from": "08:00", "until": "08:00"}})).unwrap();
        assert!(!never.are_plausible(), "neither a day nor no minute");
    }
}
