//! Addresses of keys in tokens (RFC 7512): parsed whole, refused with a reason, written back as one.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

const SCHEME: &str = "pkcs11:";
/// Longer than any that means something.
const LONGEST: usize = 4096;

/// Path attributes whose value is text (RFC 7512 §2.3).
const TEXTS: [&str; 10] = [
    "token",
    "manufacturer",
    "serial",
    "model",
    "library-manufacturer",
    "library-version",
    "library-description",
    "slot-manufacturer",
    "slot-description",
    "object",
];

/// Where a key is: which module speaks for the token, which token, which key in it, and where its PIN is read. It holds no secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pkcs11Uri {
    texts: BTreeMap<&'static str, String>,
    slot: Option<u64>,
    id: Option<Vec<u8>>,
    is_private: bool,
    module: PathBuf,
    pin: Option<PinSource>,
}

/// Where a PIN is read each time that the token asks for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum PinSource {
    /// A file that only its owner reads.
    File(PathBuf),
    /// A credential that systemd hands over (`LoadCredential=`, `LoadCredentialEncrypted=`): a file of `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// Why a text is no address of a key in a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// Not of this scheme.
    #[error(
        "a key in a token has an address like pkcs11:token=gate;object=server?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sceau/pin"
    )]
    Scheme,
    /// Too long, or with characters that must be written as %xx.
    #[error(
        "{0} is not written as a pkcs11: address may be (RFC 7512 §2.3): write other characters as %xx, in UTF-8"
    )]
    Written(String),
    /// An attribute twice.
    #[error("{0} stands twice in the pkcs11: address")]
    Twice(String),
    /// An attribute that is not known; passing it over could find another key.
    #[error("{0} is no attribute of a pkcs11: address that is known here (RFC 7512 §2.3)")]
    Unknown(String),
    /// A PIN in the address.
    #[error(
        "pin-value is not taken: an address is shown in files, logs and lists of processes. Put the PIN into a file of mode 0600 and write pin-source=file:/path, or pin-source=credential:name for one of systemd"
    )]
    PinValue,
    /// A place of a PIN that is not read.
    #[error(
        "pin-source is file:/absolute/path, or credential:name for a credential that systemd hands over; commands (|…) are not run"
    )]
    PinSource,
    /// No module, or not by its whole path.
    #[error(
        "the pkcs11: address must say which module speaks for the token: ?module-path=/absolute/path (SoftHSM: /usr/lib/softhsm/libsofthsm2.so); module-name is not taken, since where it leads differs from machine to machine"
    )]
    Module,
    /// The address of something else.
    #[error("type={0} is no private key's: leave it out, or write type=private")]
    Type(String),
    /// Not a number.
    #[error("slot-id={0} is no number")]
    Slot(String),
}

impl UriError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PinValue => "hsm_pkcs11_pin_value",
            Self::PinSource => "hsm_pkcs11_pin_source",
            Self::Module => "hsm_pkcs11_module_path",
            _ => "hsm_pkcs11_uri",
        }
    }
}

impl Pkcs11Uri {
    /// Whether this is meant as an address of a key in a token, well written or not, and not as a file's path.
    pub fn is_meant(text: &str) -> bool {
        text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
    }

    /// The module: a library that is loaded into this process.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Where the PIN is, if the token asks for one.
    pub fn pin(&self) -> Option<&PinSource> {
        self.pin.as_ref()
    }

    /// The key's label (CKA_LABEL).
    pub fn object(&self) -> Option<&str> {
        self.text("object")
    }

    /// The key's id (CKA_ID).
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// The slot, where it is named by number.
    pub fn slot_id(&self) -> Option<u64> {
        self.slot
    }

    /// What the address says of the token, its slot or its library, for instance `token`; none where it says nothing.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.texts.get(attribute).map(String::as_str)
    }

    /// The token alone: the same address without its key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        let mut token = self.clone();
        token.texts.remove("object");
        Self { id: None, is_private: false, ..token }
    }

    /// The same address with this label for the key.
    #[must_use]
    pub fn with_object(&self, label: &str) -> Self {
        let mut named = self.clone();
        named.texts.insert("object", label.to_owned());
        named
    }

    /// For people and logs: token and key, without module and place of the PIN.
    pub fn short(&self) -> String {
        self.path()
    }

    fn path(&self) -> String {
        let mut all: Vec<String> =
            self.texts.iter().map(|(name, value)| format!("{name}={}", encoded(value.as_bytes()))).collect();
        all.extend(self.slot.map(|slot| format!("slot-id={slot}")));
        all.extend(
            self.id
                .as_ref()
                .map(|id| format!("id={}", id.iter().map(|o| format!("%{o:02X}")).collect::<String>())),
        );
        if self.is_private {
            all.push("type=private".to_owned());
        }
        format!("{SCHEME}{}", all.join(";"))
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let written = || UriError::Written(name.to_owned());
        let octets = decoded(value, b":[]@!$'()*+,=&").ok_or_else(written)?;
        let twice = Err(UriError::Twice(name.to_owned()));
        if name == "id" {
            return if self.id.replace(octets).is_some() { twice } else { Ok(()) };
        }
        let text = String::from_utf8(octets).map_err(|_| written())?;
        match name {
            "slot-id" => {
                let number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
                let number = text.parse().ok().filter(|_| number).ok_or(UriError::Slot(text))?;
                if self.slot.replace(number).is_some() { twice } else { Ok(()) }
            }
            "type" if self.is_private => twice,
            "type" if text == "private" => {
                self.is_private = true;
                Ok(())
            }
            "type" => Err(UriError::Type(text)),
            _ => match TEXTS.iter().find(|known| **known == name) {
                None => Err(UriError::Unknown(name.to_owned())),
                // Modules take text that ends at a zero octet; none may hide behind it.
                Some(_) if text.contains('\0') => Err(written()),
                Some(known) if self.texts.insert(known, text).is_some() => twice,
                Some(_) => Ok(()),
            },
        }
    }
}

impl FromStr for Pkcs11Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if !Self::is_meant(text) || text.len() > LONGEST {
            return Err(UriError::Scheme);
        }
        let rest = text.get(SCHEME.len()..).unwrap_or_default();
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let (mut module, mut pin) = (None, None);
        for attribute in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair(attribute)?;
            let place = match name {
                "module-path" => &mut module,
                "pin-source" => &mut pin,
                "pin-value" => return Err(UriError::PinValue),
                "module-name" => return Err(UriError::Module),
                _ => return Err(UriError::Unknown(name.to_owned())),
            };
            let value = decoded(value, b":[]@!$'()*+,=/?|").and_then(|octets| String::from_utf8(octets).ok());
            let value = value.filter(|value| !value.contains('\0'));
            let value = value.ok_or_else(|| UriError::Written(name.to_owned()))?;
            if place.replace(value).is_some() {
                return Err(UriError::Twice(name.to_owned()));
            }
        }
        let module = module.map(PathBuf::from).filter(|path| path.is_absolute()).ok_or(UriError::Module)?;
        let pin = pin.map(|text| pin_source(&text)).transpose()?;
        let mut uri = Self { texts: BTreeMap::new(), slot: None, id: None, is_private: false, module, pin };
        if !path.is_empty() {
            path.split(';').try_for_each(|attribute| {
                let (name, value) = pair(attribute)?;
                uri.take(name, value)
            })?;
        }
        Ok(uri)
    }
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = |text: &str| encoded(text.as_bytes()).replace("%2F", "/").replace("%3A", ":");
        write!(f, "{}?module-path={}", self.path(), query(&self.module.to_string_lossy()))?;
        match &self.pin {
            None => Ok(()),
            Some(PinSource::File(path)) => write!(f, "&pin-source=file:{}", query(&path.to_string_lossy())),
            Some(PinSource::Credential(name)) => write!(f, "&pin-source=credential:{}", query(name)),
        }
    }
}

fn pair(attribute: &str) -> Result<(&str, &str), UriError> {
    attribute.split_once('=').ok_or_else(|| UriError::Written(attribute.to_owned()))
}

fn pin_source(text: &str) -> Result<PinSource, UriError> {
    if let Some(name) = text.strip_prefix("credential:") {
        // systemd.exec(5): a name of a file, nothing else.
        let is_name = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        return is_name.then(|| PinSource::Credential(name.to_owned())).ok_or(UriError::PinSource);
    }
    // RFC 8089: file:/path and file:///path are one; a host's file is not read here.
    let path = text.strip_prefix("file:").unwrap_or(text);
    let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let whole = path.starts_with('/') && !path.starts_with("//");
    whole.then(|| PinSource::File(PathBuf::from(path))).ok_or(UriError::PinSource)
}

/// What percent-encoding stands for; none where a character needs it and has it not.
fn decoded(text: &str, also: &[u8]) -> Option<Vec<u8>> {
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            let hex = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let [high, low] = digits else { return None };
            octets.push(hex(high)? << 4 | hex(low)?);
            rest = after;
        } else if is_unreserved(*first) || also.contains(first) {
            octets.push(*first);
            rest = after;
        } else {
            return None;
        }
    }
    Some(octets)
}

fn encoded(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        if is_unreserved(*octet) {
            text.push(char::from(*octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
        text
    })
}

/// RFC 3986 §2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}
