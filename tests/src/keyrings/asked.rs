//! What the host is asked by HTTP, as an actor's own program would: by a certificate, or by none.

use serde_json::Value;

use super::Keyrings;

impl Keyrings {
    /// A client that trusts the host, and shows this actor's certificate.
    fn http(&self, actor: Option<&str>) -> reqwest::Client {
        let anchor = reqwest::Certificate::from_pem(self.read("host.pem").as_bytes()).expect("a certificate");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([anchor]);
        let http = match actor {
            Some(actor) => {
                let identity =
                    [self.read(&format!("{actor}.key")), self.read(&format!("{actor}.pem"))].concat();
                http.identity(reqwest::Identity::from_pem(identity.as_bytes()).expect("an identity"))
            }
            None => http,
        };
        http.build().expect("a client")
    }

    /// Asks the host by this method at this path, by this actor's certificate, with a body of this content type; the status, and what the host says.
    pub async fn ask_host(
        &self,
        actor: Option<&str>,
        (method, path): (&str, &str),
        body: Option<(&str, String)>,
    ) -> (u16, Value) {
        let method = method.to_uppercase().parse().expect("a method");
        let asked = self.http(actor).request(method, format!("{}{path}", self.address()));
        let asked = match body {
            Some((kind, body)) => asked.header("content-type", kind).body(body),
            None => asked,
        };
        let answer = asked.send().await.expect("it answers");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or_default())
    }

    /// Leaves a request at the host as it is, by this actor's certificate; the status, and what the host says.
    pub async fn leave_anyway(&self, actor: &str, jws: &str) -> (u16, Value) {
        let body = Some(("application/jose", jws.to_owned()));
        self.ask_host(Some(actor), ("post", "/v1/keyrings/requests"), body).await
    }
}
