//! Whose are the agreements of second persons: a replay does not open what is forgotten in time, a start asks for it afterwards.

use super::View;
use crate::decide::Core;
use crate::protect::users;
use crate::state::Between;

impl View {
    /// Has it said, at a start, whose the agreements of second persons that wait are: in the core's state as in the one here.
    pub(crate) fn name_agreements(&self, core: &mut Core) {
        let find = |index| {
            let place = self.places(index, 1).ok()?.first().copied()?;
            let event = self.event(place).ok()?.open(&*self.log.journal_key).ok()?;
            users(&event.record().ok()?).map(|(by, to)| Between { by, to })
        };
        core.name_agreements(find);
        let named: Vec<_> = core.state().agreements().named();
        self.durable_mut().state.name_agreements(|index| {
            named.iter().find(|(known, _)| *known == index).map(|(_, between)| between.clone())
        });
    }
}
