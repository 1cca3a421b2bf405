//! The parser of multipart forms, for who tries it with any bytes: it may not panic.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;

use super::attachments::boundary;
use super::refusal::{Answer, Code};
use super::upload::plain_name;
use super::walk::{FormPart, Walk};
use crate::intake::Slowest;

/// What a form holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Form {
    /// The files, each with its name.
    pub files: Vec<(String, Vec<u8>)>,
    /// The id of the metadata that it names.
    pub metadata: Option<String>,
}

/// Walks through a form of this media type, in the pieces in which it came.
///
/// # Errors
/// The code of the refusal.
pub async fn form(media_type: &str, pieces: Vec<Bytes>) -> Result<Form, Code> {
    walked(media_type, pieces).await.map_err(|refusal| refusal.code())
}

async fn walked(media_type: &str, pieces: Vec<Bytes>) -> Answer<Form> {
    let value = HeaderValue::from_str(media_type).map_err(|_| Code::Multipart)?;
    let boundary = boundary(&HeaderMap::from_iter([(CONTENT_TYPE, value)]))?;
    let body = futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let mut walk = Walk::through(Body::from_stream(body).into_data_stream(), boundary, Slowest::default());
    let mut form = Form::default();
    while let Some(part) = walk.next().await? {
        match part {
            FormPart::File(name, mut field) => {
                let mut content = Vec::new();
                let name = plain_name(&name)?;
                while let Some(bytes) = walk.sender.next(field.chunk()).await? {
                    content.extend_from_slice(&bytes);
                }
                form.files.push((name, content));
            }
            FormPart::Data(named) => form.metadata = named,
        }
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=X";
    const FORM: &[u8] = b"--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"rib.pdf\"\r\nContent-Type: application/pdf\r\n\r\n\
        %PDF-1.7\r\n--\r\n--X\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nsomething\r\n\
        --X\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"metadataId\":\"m\"}\r\n--X--\r\n";

    /// What the fuzz target does, on one form cut in two and with a byte changed.
    #[tokio::test]
    async fn a_form_is_the_same_in_whatever_pieces_it_comes() {
        let whole = form(TYPE, vec![Bytes::from_static(FORM)]).await.unwrap();
        let files = vec![("rib.pdf".to_owned(), b"%PDF-1.7\r\n--".to_vec())];
        assert_eq!(whole, Form { files, metadata: Some("m".to_owned()) });
        for at in 0..FORM.len() {
            let (head, tail) = FORM.split_at(at);
            let pieces = [head, tail].map(Bytes::from_static);
            assert_eq!(form(TYPE, pieces.into()).await.as_ref(), Ok(&whole), "cut at {at}");
            let mut changed = FORM.to_vec();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0x20;
            }
            let refused = form(TYPE, vec![changed.into()]).await.err();
            assert!(refused.is_none_or(|code| (400..500).contains(&code.http_status())), "changed at {at}");
        }
    }
}
