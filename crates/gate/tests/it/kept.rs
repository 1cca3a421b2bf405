//! OpenSSL's client on a connection that stays open, or that takes up the session of another.

use std::{net::SocketAddr, path::Path, process::Stdio};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::outside::chain;

/// One connection.
pub(crate) struct Kept {
    _child: Child,
    into: ChildStdin,
    from: ChildStdout,
    read: String,
    body: String,
}

impl Kept {
    /// With the certificate of this client, and these words besides.
    pub(crate) fn open(address: SocketAddr, client: &str, words: &str) -> Self {
        let of = |ending| chain().join(format!("{client}.{ending}"));
        Self::of(address, &of("pem"), &of("key"), words)
    }

    /// With this certificate and key.
    pub(crate) fn of(address: SocketAddr, certificate: &Path, key: &Path, words: &str) -> Self {
        let (root, shown, key) = (chain().join("root.pem"), certificate.display(), key.display());
        let words = format!(
            "s_client -connect {address} -servername localhost -CAfile {} -cert {shown} -key {key} \
             -nocommands -ign_eof {words}",
            root.display()
        );
        let mut command = Command::new("openssl");
        command
            .args(words.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let (into, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { _child: child, into, from, read: String::new(), body: String::new() }
    }

    /// The status and the head of the answer.
    pub(crate) async fn get(&mut self, path: &str) -> (String, String) {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        self.hear().await
    }

    /// Sends these octets.
    pub(crate) async fn say(&mut self, octets: &str) {
        self.into.write_all(octets.as_bytes()).await.unwrap();
    }

    /// Until this is heard.
    pub(crate) async fn wait_for(&mut self, word: &str) {
        while !self.read.ends_with(word) {
            let mut octets = [0; 4096];
            let count = self.from.read(&mut octets).await.unwrap();
            assert!(count > 0, "the connection ended: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&octets[..count]));
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut octets = Vec::new();
        self.from.read_to_end(&mut octets).await.unwrap();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// The status and the head of the next answer.
    pub(crate) async fn hear(&mut self) -> (String, String) {
        loop {
            if let Some((head, body, rest)) = self.answer() {
                (self.read, self.body) = (rest, body);
                let status = head.split_whitespace().nth(1).unwrap().to_owned();
                return (status, head);
            }
            let mut octets = [0; 4096];
            let count = self.from.read(&mut octets).await.unwrap();
            assert!(count > 0, "the connection ended: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&octets[..count]));
        }
    }

    /// Of the answer that was heard last.
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// Whether it goes on with a session of before.
    pub(crate) fn is_resumed(&self) -> bool {
        self.read.contains("Reused, ")
    }

    /// A whole answer among what OpenSSL says besides, and what follows.
    fn answer(&self) -> Option<(String, String, String)> {
        let (before, _) = self.read.split_once("HTTP/1.1 ")?;
        let answer = &self.read[before.len()..];
        let (head, rest) = answer.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let body = rest.get(..length.parse().unwrap())?;
        // What was said before stays, for what it says of the session.
        Some((
            head.to_owned(),
            body.to_owned(),
            format!("{}{}", before.replace("HTTP/1.1", ""), &rest[body.len()..]),
        ))
    }
}
