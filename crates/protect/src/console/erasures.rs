//! Certificates that data were erased.

use sceau_element_api::documents::Remit;
use sceau_element_api::protect::{DatumId, Erasure};

use super::{Console, ConsoleFault};

impl Console {
    /// The certificate that one of the data was erased, as the element gives it to the datum's owner.
    ///
    /// # Errors
    /// When it was not, or it is not theirs; when the element does not answer.
    pub async fn erasure(&self, remit: &Remit, id: DatumId) -> Result<Erasure, ConsoleFault> {
        let erasure = self.element.erasure(id).await?;
        let theirs = erasure.organisation == remit.organisation && remit.has(erasure.application);
        if theirs { Ok(erasure) } else { Err(ConsoleFault::not_found()) }
    }
}
