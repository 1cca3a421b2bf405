#![allow(clippy::unwrap_used, reason = "tests state what must hold")]
use std::sync::atomic::{AtomicBool, Ordering};

use sceau_client::ClientError;
use sceau_store::ManualClock;

use super::*;
use crate::asking::{Asks, Lang, Later};

const SECONDS: u64 = 180;

/// A host that says a moment late that nobody answered, or that is away.
#[derive(Debug)]
struct Late {
    is_there: AtomicBool,
    dies: bool,
}

impl Holders for Late {
    fn ask(&self, ask: Ask) -> Later<'_, Result<Answer, AskError>> {
        Box::pin(async move {
            let away = || AskError::Away(ClientError::Answer);
            if !self.is_there.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE * 2).await;
                return Err(away());
            }
            // Its last try comes some time after nobody's does.
            tokio::time::sleep(Duration::from_millis(ask.seconds * 1000 + AFTERWARDS) + PAUSE).await;
            if self.dies { Err(away()) } else { Ok(Answer::Silent) }
        })
    }

    fn is_there(&self) -> Later<'_, bool> {
        // A host that dies is there at first.
        let there = self.is_there.load(Ordering::Relaxed);
        self.is_there.fetch_and(!self.dies, Ordering::Relaxed);
        Box::pin(async move { there })
    }
}

/// How long it takes until something is told, and what.
async fn told(holders: &Arc<Late>, keyring: Option<KeyringId>) -> (Duration, String) {
    let folder = tempfile::tempdir().unwrap();
    let records = Records::open(folder.path()).await.unwrap();
    tokio::time::pause();
    let bounds = Arc::new(Bounds::new(Arc::new(ManualClock::at(0))));
    let asker = Asker { holders: Arc::clone(holders) as _, bounds, records };
    let whom = Whom { hint: "m.curie".to_owned(), keyring };
    let turn = asker.turn(&whom, Asks::remembered(), SECONDS);
    let turn = turn.or_else(|| asker.turn(&whom, Asks::site("library"), SECONDS)).unwrap();
    let (tell, mut told) = watch::channel(State::Waiting);
    let client = ClientId::parse("library").unwrap();
    let words = Words::of(Lang::En, "Library", &Default::default());
    let began = Instant::now();
    asker.ask(Question { turn, whom: &whom, client: &client, words, seconds: SECONDS }, tell);
    let state = told.wait_for(|state| !matches!(state, State::Waiting)).await.unwrap().clone();
    (began.elapsed(), format!("{state:?}"))
}

#[tokio::test]
async fn somebody_who_does_not_answer_and_nobody_are_told_of_at_one_time() {
    for (is_there, dies, ends) in [
        (true, false, Duration::from_secs(SECONDS) + TOLD_AFTER),
        (false, false, PAUSE * 2),
        (true, true, Duration::from_secs(SECONDS) + TOLD_AFTER),
    ] {
        for keyring in [Some(KeyringId::random()), None] {
            let holders = Arc::new(Late { is_there: is_there.into(), dies });
            let state = if is_there && !dies { "Silent" } else { "Away" };
            let (took, said) = told(&holders, keyring).await;
            assert_eq!(
                (took.as_secs(), said.as_str()),
                (ends.as_secs(), state),
                "{is_there} {dies} {}",
                keyring.is_some()
            );
            tokio::time::resume();
        }
    }
}
