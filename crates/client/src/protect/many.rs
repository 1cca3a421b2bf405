//! Many data by one call.

use sceau_crypto::{Typ, jws};
use sceau_element_api::Base64Url;
use sceau_element_api::protect::{
    BatchClaims, BatchOperation, DataKey, DatumId, Many, Open, Session, ToldRefusal,
};
use serde::Deserialize;

use super::answer::Answer;
use super::{Application, GOOD_FOR, NewDatum, Protected, User, session};
use crate::ClientError;

/// What the keyfront answers, in the order of the batch.
#[derive(Deserialize)]
struct Answers {
    items: Vec<OfDatum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OfDatum {
    Granted(Box<Answer>),
    Refused(ToldRefusal),
}

impl Application {
    /// Begins many data ([`sceau_element_api::protect::MOST_DATA`] at most), and gets the first data key of each, in their order. One that is refused keeps no other from being begun.
    ///
    /// # Errors
    /// Of all of them: as [`Application::create`]; [`ClientError::Unproven`] where answers are held to a log, since those of batches come without its proof. Of one: as
    /// [`Application::create`].
    pub async fn create_many(
        &self,
        user: &User,
        data: Vec<NewDatum>,
    ) -> Result<Vec<Result<Protected, ClientError>>, ClientError> {
        let (drawn, count) = (session()?, data.len());
        let data = data.into_iter().map(|datum| datum.with(None, None)).collect();
        let op = BatchOperation::CreateMany(Many { session: drawn.public().clone(), data });
        let (answers, call) = self.batch(user, op, count).await?;
        let begun = |at, answer: Answer| {
            let key = answer.data_key_of_batch(&drawn, (&call, at))?;
            if !answer.is_about(None) {
                return Err(ClientError::Answer);
            }
            let wrapped_key = answer.wrapped_key.ok_or(ClientError::Answer)?.0;
            Ok(Protected { datum: answer.datum, index: answer.index, wrapped_key, key })
        };
        let begun = |(at, answer): (usize, OfDatum)| answer.of(|answer| begun(at, answer));
        Ok(answers.into_iter().enumerate().map(begun).collect())
    }

    /// Gets many data keys again, in their order, from what travels with the data.
    ///
    /// # Errors
    /// As [`Application::create_many`].
    pub async fn open_many(
        &self,
        user: &User,
        data: &[(DatumId, &[u8])],
    ) -> Result<Vec<Result<DataKey, ClientError>>, ClientError> {
        let drawn = session()?;
        let open = |(datum, wrapped_key): &(DatumId, &[u8])| Open {
            datum: *datum,
            wrapped_key: Base64Url(wrapped_key.to_vec()),
            session: None,
            content: None,
        };
        let many = Many { session: drawn.public().clone(), data: data.iter().map(open).collect() };
        let (answers, call) = self.batch(user, BatchOperation::OpenMany(many), data.len()).await?;
        let opened = |(at, (answer, (datum, _))): (usize, (OfDatum, &(DatumId, &[u8])))| {
            answer.of(|answer| opened(&answer, *datum, &drawn, (&call, at)))
        };
        Ok(answers.into_iter().zip(data).enumerate().map(opened).collect())
    }

    /// Signs a batch and brings it; its answers, and the id that they answer to.
    async fn batch(
        &self,
        user: &User,
        op: BatchOperation,
        count: usize,
    ) -> Result<(Vec<OfDatum>, String), ClientError> {
        if self.log_key.is_some() {
            return Err(ClientError::Unproven("answers to batches come without the log's proof".to_owned()));
        }
        let now = super::now();
        let jti = Base64Url(sceau_crypto::random::<24>().to_vec()).encode();
        let claims = BatchClaims {
            iss: self.id,
            aud: self.audience.clone(),
            iat: now,
            exp: now + GOOD_FOR,
            jti: jti.clone(),
            sub: user.name.clone(),
            groups: user.groups.clone(),
            id_token: user.id_token.clone(),
            op,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| ClientError::Answer)?;
        let call = jws::sign(&self.key, Typ::ProtectCall, &payload);
        let answers: Answers = self.server.post_text("/v1/protect/batches", "application/jose", call).await?;
        if answers.items.len() == count { Ok((answers.items, jti)) } else { Err(ClientError::Answer) }
    }
}

impl OfDatum {
    fn of<T>(self, granted: impl FnOnce(Answer) -> Result<T, ClientError>) -> Result<T, ClientError> {
        match self {
            Self::Granted(answer) => granted(*answer),
            Self::Refused(ToldRefusal { status, code, detail }) => {
                Err(ClientError::Refused { status, code, detail })
            }
        }
    }
}

/// The data key of an answer that is about this datum.
fn opened(
    answer: &Answer,
    datum: DatumId,
    session: &Session,
    call: (&str, usize),
) -> Result<DataKey, ClientError> {
    let key = answer.data_key_of_batch(session, call)?;
    if answer.is_about(Some(datum)) { Ok(key) } else { Err(ClientError::Answer) }
}
