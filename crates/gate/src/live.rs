//! The plan in force.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use crate::{crowd::Crowd, plan::Plan};

/// What connections under way share.
#[derive(Debug)]
pub(crate) struct Live {
    plan: RwLock<Arc<Plan>>,
    pub(crate) crowd: Arc<Crowd>,
    /// Another gate takes connections in the place of this one.
    is_leaving: AtomicBool,
}

impl Live {
    pub(crate) fn new(plan: Plan) -> Self {
        let plan = RwLock::new(Arc::new(plan));
        Self { plan, crowd: Crowd::new(), is_leaving: AtomicBool::new(false) }
    }

    /// From now on, each answer of HTTP/1.1 is the last of its connection.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// The plan of now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on, requests go by this one.
    pub(crate) fn follow(&self, plan: Plan) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
    }
}
