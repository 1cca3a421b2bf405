//! Receiving one file: inspected, scanned and sealed as it streams; its last part leaves after the verdict.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use sceau_crypto::FileId;
use sceau_store::{AntivirusError, Scan, Verdict, neighbourhood};
use tokio::time::{Instant, sleep, timeout};

use super::content::Inspector;
use super::deposit::{Announced, Clean, Deposit, FileState, Turn};
use super::pace::Pace;
use super::platform::put;
use super::refusal::Refusal;
use super::seal::{Sealed, Sealing};
use super::{Intake, content};

/// After so long without the antivirus going on, people are told that the file waits for it.
const NOTICED: Duration = Duration::from_millis(700);
/// Between two questions whether the antivirus is back.
const AGAIN: Duration = Duration::from_millis(500);
/// A verdict on a whole file may take so long before people are told that the file waits for it, and is not being looked at.
const LOOKED_AT: Duration = Duration::from_secs(10);

impl Intake {
    /// Whether a file may be sent, as it is announced; nothing of it is there yet.
    pub(super) fn announce(&self, deposit: &Deposit, announced: Announced) -> Result<u32, Refusal> {
        content::declared(&announced.name, &announced.media_type)?;
        if announced.size == 0 {
            return Err(Refusal::WrongSize);
        }
        if announced.size > self.0.settings.largest {
            return Err(Refusal::TooLarge);
        }
        let asked = |slot: &String| deposit.form.document.documents.iter().any(|it| it.name == *slot);
        if announced.document.as_ref().is_some_and(|slot| !asked(slot)) {
            return Err(Refusal::Incomplete);
        }
        deposit.announce(announced)
    }

    /// Receives the bytes of an announced file, from `peer`.
    pub(super) async fn receive<S, E>(
        &self,
        deposit: &Deposit,
        place: u32,
        peer: IpAddr,
        body: S,
    ) -> Result<Clean, Refusal>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        // Nobody takes all the places: whoever comes then is told at once, and the page tries again.
        let of_deposit = self.0.of_deposits.take(deposit.token_hash);
        let of_address = self.0.of_addresses.take(neighbourhood(peer));
        let (Some(_of_deposit), Some(_of_address)) = (of_deposit, of_address) else {
            return Err(Refusal::TooManyAtOnce);
        };
        let (turn, announced) = deposit.turn(place)?;
        let received = self.scan_and_seal(deposit, &turn, &announced, body).await;
        match &received {
            Ok(file) => turn.stands(FileState::Sealed { file: file.clone() }),
            Err(Refusal::AntivirusAway) => turn.stands(FileState::WaitingForAntivirus { bytes: 0 }),
            Err(refusal) if refusal.is_of_the_file() => {
                turn.stands(FileState::Refused { code: refusal.as_str() });
            }
            Err(_) => turn.stands(FileState::Announced),
        }
        received
    }

    /// Scans and seals what the intake itself wrote: the answers.
    pub(super) async fn seal_answers(&self, deposit: &Deposit, answers: Bytes) -> Result<Clean, Refusal> {
        let announced = Announced {
            name: "answers.json".to_owned(),
            media_type: "application/json".to_owned(),
            size: answers.len() as u64,
            document: None,
        };
        let body = futures::stream::iter([Ok::<_, std::convert::Infallible>(answers)]);
        let scan = self.antivirus(&|_| {}).await?;
        self.pass(deposit, &|_| {}, &announced, (scan, None), body).await
    }

    async fn scan_and_seal<S, E>(
        &self,
        deposit: &Deposit,
        turn: &Turn<'_>,
        announced: &Announced,
        body: S,
    ) -> Result<Clean, Refusal>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        let _permit = self.0.uploads.acquire().await.map_err(|_| Refusal::Busy)?;
        let says = |state| turn.stands(state);
        let scan = self.antivirus(&says).await?;
        let inspector = Inspector::new(&announced.media_type);
        self.pass(deposit, &says, announced, (scan, Some(inspector)), body).await
    }

    /// Waits for an antivirus that answers: the body is not read meanwhile, so that its sender waits too.
    async fn antivirus(&self, says: &(dyn Fn(FileState) + Sync)) -> Result<Scan, Refusal> {
        let began = Instant::now();
        loop {
            match self.0.settings.antivirus.begin().await {
                Ok(scan) => {
                    says(FileState::Receiving { bytes: 0 });
                    return Ok(scan);
                }
                Err(error) => {
                    tracing::warn!(%error, "a file waits for the antivirus");
                    says(FileState::WaitingForAntivirus { bytes: 0 });
                }
            }
            if began.elapsed() >= self.0.settings.patience {
                return Err(Refusal::AntivirusAway);
            }
            sleep(AGAIN).await;
        }
    }

    /// The one pass over the bytes. Whatever goes wrong after the header left, the platform is told to forget the file.
    async fn pass<S, E>(
        &self,
        deposit: &Deposit,
        says: &(dyn Fn(FileState) + Sync),
        announced: &Announced,
        watch: (Scan, Option<Inspector>),
        body: S,
    ) -> Result<Clean, Refusal>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        let file = FileId::of_dossier(&deposit.dossier.to_string());
        let named = (announced.name.as_str(), announced.media_type.as_str());
        let begun = Sealing::begin(file, named, &deposit.recipient.key, announced.size);
        let (sealing, header) = begun.map_err(|_| Refusal::Name)?;
        put(deposit, &format!("/v1/intake/files/{file}/header"), header).await?;
        let passed = self.stream(deposit, says, (file, sealing), watch, body).await;
        if let Err(refusal) = &passed {
            self.say_refused(deposit, file, *refusal).await;
        }
        passed
    }

    async fn stream<S, E>(
        &self,
        deposit: &Deposit,
        says: &(dyn Fn(FileState) + Sync),
        (file, mut sealing): (FileId, Sealing),
        (mut scan, mut inspector): (Scan, Option<Inspector>),
        mut body: S,
    ) -> Result<Clean, Refusal>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Display,
    {
        let size = sealing.size();
        let mut pace = Pace::new(self.0.settings.slowest);
        while let Some(bytes) = next(&mut body, &mut pace, sealing.taken()).await? {
            if sealing.taken() + bytes.len() as u64 > size {
                return Err(Refusal::WrongSize);
            }
            if let Some(inspector) = &mut inspector {
                inspector.pass(&bytes)?;
            }
            waiting(says, sealing.taken(), NOTICED, scan.feed(&bytes)).await?;
            let mut rest: &[u8] = &bytes;
            while !rest.is_empty() {
                let (later, part) = sealing.take(rest).map_err(|_| Refusal::WrongSize)?;
                if let Some(part) = part {
                    sealing.reuse(upload(deposit, file, part).await?);
                }
                rest = later;
            }
            says(FileState::Receiving { bytes: sealing.taken() });
        }
        if sealing.taken() != size {
            return Err(Refusal::Cut);
        }
        if let Some(inspector) = &inspector {
            inspector.finish()?;
        }
        says(FileState::Scanning { bytes: size });
        match waiting(says, size, LOOKED_AT, scan.finish()).await? {
            Verdict::Clean => {}
            Verdict::Infected { name } => return Err(found(&name)),
        }
        let (last, file) = sealing.finish(file).map_err(|_| Refusal::WrongSize)?;
        upload(deposit, file.file_id, last).await?;
        let word = self.say_clean(deposit, &file).await?;
        Ok(Clean { file, word })
    }
}

/// The next bytes of a sender who keeps up.
async fn next<S, E>(body: &mut S, pace: &mut Pace, taken: u64) -> Result<Option<Bytes>, Refusal>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let allowed = pace.allows(taken).ok_or(Refusal::TooSlow)?;
    let since = Instant::now();
    let heard = timeout(allowed, body.next()).await;
    pace.listened(since.elapsed());
    match heard {
        Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        Ok(None) => Ok(None),
        Ok(Some(Err(_))) => Err(Refusal::Cut),
        Err(_) => Err(Refusal::TooSlow),
    }
}

/// Sends a part; its bytes come back.
async fn upload(deposit: &Deposit, file: FileId, part: Sealed) -> Result<Bytes, Refusal> {
    put(deposit, &format!("/v1/intake/files/{file}/parts/{}", part.index), part.bytes.clone()).await?;
    Ok(part.bytes)
}

/// Says that the file waits for the antivirus where that takes longer than `usual`.
async fn waiting<T>(
    says: &(dyn Fn(FileState) + Sync),
    bytes: u64,
    usual: Duration,
    asked: impl Future<Output = Result<T, AntivirusError>>,
) -> Result<T, Refusal> {
    let mut asked = std::pin::pin!(asked);
    let answered = match timeout(usual, &mut asked).await {
        Ok(answered) => answered,
        Err(_) => {
            says(FileState::WaitingForAntivirus { bytes });
            asked.await
        }
    };
    answered.map_err(|error| match error {
        AntivirusError::TooLarge => Refusal::TooLarge,
        error => {
            tracing::warn!(%error, "the antivirus gave no verdict");
            Refusal::AntivirusAway
        }
    })
}

/// What a signature's name means to a person. ClamAV's heuristics say that it could not look, rather than that it found something.
fn found(name: &str) -> Refusal {
    if name.starts_with("Heuristics.Encrypted") {
        Refusal::Encrypted
    } else if name.starts_with("Heuristics.Limits.Exceeded") {
        Refusal::Unscannable
    } else {
        Refusal::Infected
    }
}
