//! Calls about data in the order of the log.

use sceau_element_api::protect::{Access, DatumId};

use sceau_trace::{Outcome, Record};

use super::{ReadError, View};
use crate::event::Change;
use crate::protect::access;

/// Records that are looked at for one answer.
const MOST: u64 = 1024;

impl View {
    /// Calls about data that were refused, among at most `count` entries from `from` on: index and datum of each.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the log's end.
    pub fn refused_calls(&self, from: u64, count: u64) -> Result<Vec<(u64, DatumId)>, ReadError> {
        let left = self.size().checked_sub(from).ok_or(ReadError::NotFound)?;
        let mut calls = Vec::new();
        for (index, place) in (from..).zip(self.places(from, count.min(left).min(MOST))?) {
            let event = self.event(place)?;
            // Few are: the others are not opened.
            if !Record::parse(&event.leaf).is_ok_and(|record| record.outcome() == Outcome::Refused) {
                continue;
            }
            if let Change::Called { about: Some(about), .. } = event.open(&*self.log.journal_key)?.change {
                calls.push((index, about.datum));
            }
        }
        Ok(calls)
    }

    /// Calls about data from the entry at `from` on, at most `most` of them, and where to go on.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] beyond the log's end.
    pub fn calls(&self, from: u64, most: usize) -> Result<(Vec<(DatumId, Access)>, u64), ReadError> {
        let size = self.size();
        if from >= size {
            return if from == size { Ok((Vec::new(), size)) } else { Err(ReadError::NotFound) };
        }
        let (mut calls, mut next) = (Vec::new(), from);
        for place in self.places(from, MOST.min(size - from))? {
            if calls.len() >= most {
                break;
            }
            let event = self.event(place)?.open(&*self.log.journal_key)?;
            if let Change::Called { about: Some(about), .. } = &event.change {
                calls.push((about.datum, access(next, &event.record()?).ok_or(ReadError::NotFound)?));
            }
            next += 1;
        }
        Ok((calls, next))
    }
}
