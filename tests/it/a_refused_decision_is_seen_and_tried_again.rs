//! A decision of the organisation's system that the key manager refuses for good is not forgotten: whoever looks sees it, has it tried again once what
//! was in the way is mended, and it is signed. Meanwhile, and afterwards, the dossier's folder says what the organisation decided.

use sceau_tests::{Connected, House};
use sceau_trace::sha256;
use serde_json::{Value, json};

const SCRIPT: &str =
    "case $SCEAU_KIND in submitted) echo '{\"decision\": \"accepted\", \"reason\": \"Repris.\"}';; esac\n";

#[tokio::test]
async fn whether_it_lay_in_a_folder_or_was_printed() {
    let house = House::start("connector-refused");
    let administrator = house.administrator().await;
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let program = house.scratch.write("rh.sh", SCRIPT);
    let lille = Connected::found(&house, &administrator, "Région").await;
    let lille = lille.handing_to(&format!("program = [\"sh\", {program:?}]\n"));
    let both = [&lyon, &lille];
    let citizen = house.citizen("cleo@example.org").await;
    let dropped = lyon.deposit(&citizen, b"decided in a folder").await;
    let printed = lille.deposit(&citizen, b"decided by a program").await;
    let asked = lyon.deposit(&citizen, b"decided by a person").await;
    let [dropped_in, printed_in, asked_in] =
        [(&lyon, &dropped), (&lille, &printed), (&lyon, &asked)].map(|(of, deposited)| {
            let name = format!("{}.{}", deposited.dossier, &sha256(&deposited.manifest).to_string()[..12]);
            of.output.join(name)
        });
    let looked = |word: &str| -> Vec<Value> {
        let said = Connected::program(&house, &both).arg(word).run().success().text();
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };

    // Nobody let them decide.
    let mut connector = Connected::program(&house, &both).start(house.scratch.path());
    for dossier in [dropped.dossier, asked.dossier] {
        connector.wait_for(&format!("\"dossier\":\"{dossier}\",\"event\":\"handed_over\""));
    }
    let decision = json!({"decision": "accepted", "reason": "Complet."}).to_string();
    std::fs::write(dropped_in.join(".decision"), decision).unwrap();
    std::fs::rename(dropped_in.join(".decision"), dropped_in.join("decision.json")).unwrap();
    let kept = house.scratch.join(&format!("{}.state", lille.premises.organisation)).join("decisions");
    let kept = kept.join(printed_in.file_name().unwrap());
    for folder in [&dropped_in, &kept] {
        connector.wait_for(&format!("\"event\":\"decision_refused\",\"folder\":\"{}\"", folder.display()));
    }
    // What a person decides on the key manager's page comes into the folder.
    lyon.decides(&house, asked.dossier, "more_information", "Une page manque.").await;
    connector.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"told\"", asked.dossier));
    assert_eq!(Connected::said(&asked_in, "decided.json")["reason"], "Une page manque.");
    assert!(connector.stop().success());

    // Who looks sees both, with the reason.
    for (said, folder) in looked("--status").iter().zip([&dropped_in, &kept]) {
        let [decision] = said["decisions"].as_array().unwrap().as_slice() else { panic!("one: {said}") };
        assert_eq!(decision["folder"], json!(folder));
        assert_eq!(
            (&decision["state"], &decision["code"]),
            (&json!("refused"), &json!("decisions_not_granted"))
        );
    }

    // Once they may, both are tried again, each once.
    lyon.grant_decisions().await;
    lille.grant_decisions().await;
    for tried in [1, 0] {
        let said = looked("--retry");
        assert!(said.iter().all(|said| said["decisions_tried_again"] == tried), "{said:?}");
    }
    let mut connector = Connected::program(&house, &both).start(house.scratch.path());
    for (folder, deposited, reason) in
        [(&dropped_in, &dropped, "Complet."), (&printed_in, &printed, "Repris.")]
    {
        connector.wait_for(&format!("\"event\":\"decided\",\"folder\":\"{}\"", folder.display()));
        let dossier = deposited.dossier;
        connector.wait_for(&format!("\"dossier\":\"{dossier}\",\"event\":\"told\""));
        let view: Value = citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
        assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!(reason)));
        let told = Connected::said(folder, "decided.json");
        assert_eq!((&told["reason"], &told["connector"]), (&json!(reason), &json!("paie")));
        assert_eq!(Connected::said(folder, "decision.result.json")["state"], "signed");
    }
    assert!(connector.stop().success());
    assert!(looked("--status").iter().all(|said| said["decisions"] == json!([])) && !kept.exists());
}
