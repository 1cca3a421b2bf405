//! A gate's file, and a platform's profile that it may name: refused with the setting at fault, or usable, and never a panic in a gate that reads its
//! file again while it serves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_pki::Profile;

fuzz_target!(|text: &str| {
    match sceau_gate::read_text(text) {
        // Each route is found by its own path, or no request would ever be for it.
        Ok(paths) => {
            for path in &paths {
                let base = path.trim_end_matches('/');
                assert_eq!(sceau_gate::read_path(&[base], path), Ok(Some(0)), "{path:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.is_of_the_system()),
    }
    let Ok(profile) = Profile::read(text) else { return };
    for environment in &profile.environments {
        assert!(profile.environment(&environment.id).is_some());
        assert!(profile.chain_of(environment).is_some(), "the chain that it names is there");
        assert!(environment.rule().common_name() == environment.common_name());
    }
});
