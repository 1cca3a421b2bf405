//! The forms of MOB's HTTP interface: any bytes are taken or refused with a code, and what is taken becomes an invoice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_dossiers::mob::http::MobForm;

fuzz_target!(|data: &[u8]| {
    for form in MobForm::ALL {
        if let Err(code) = form.judge(data) {
            assert!((400..500).contains(&code.http_status()), "{}", code.as_str());
        }
    }
});
