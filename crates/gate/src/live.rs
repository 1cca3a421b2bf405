//! The plan in force.

use std::sync::{Arc, PoisonError, RwLock};

use crate::plan::Plan;

/// What connections under way share.
#[derive(Debug)]
pub(crate) struct Live {
    plan: RwLock<Arc<Plan>>,
}

impl Live {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan: RwLock::new(Arc::new(plan)) }
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
