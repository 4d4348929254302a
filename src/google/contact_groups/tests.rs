use serde_json::json;

use super::*;
use crate::google::testing::{Script, answer, client};
use crate::mapping::ResourceName;
use crate::remote::Disposition;

#[tokio::test]
async fn labels_are_read_to_the_last_page() {
    let script = Script::new([
        answer(
            200,
            &json!({"contactGroups": [
                {"resourceName": "contactGroups/myContacts", "groupType": "SYSTEM_CONTACT_GROUP", "name": "myContacts", "formattedName": "My Contacts"},
            ], "nextPageToken": "p2", "totalItems": 2}),
        ),
        answer(
            200,
            &json!({"contactGroups": [
                {"resourceName": "contactGroups/65189743883aabaf", "etag": "UPTmggxWH8g=", "groupType": "USER_CONTACT_GROUP", "name": "ICE", "memberCount": 1},
                {"resourceName": "contactGroups/7", "groupType": "USER_CONTACT_GROUP", "metadata": {"deleted": true}},
            ], "nextSyncToken": "EJ6I9Pzwj-4C"}),
        ),
    ]);
    let labels = client(&script).list_groups(None).await.unwrap();
    let kinds: Vec<_> =
        labels.groups.iter().map(|g| (g.name.as_str(), g.kind, g.member_count, g.deleted)).collect();
    assert_eq!(
        kinds,
        [
            ("myContacts", GroupKind::System, 0, false),
            ("ICE", GroupKind::User, 1, false),
            ("", GroupKind::User, 0, true),
        ]
    );
    assert_eq!(labels.next_sync_token, Some(SyncToken("EJ6I9Pzwj-4C".to_owned())));
    assert!(script.lines()[1].ends_with("&pageToken=p2"));
}

#[tokio::test]
async fn a_label_cursor_expires_like_the_contacts_one() {
    let expired = json!({"error": {"code": 400, "message": "Sync token is expired. Clear local cache and retry call without the sync token."}});
    let script = Script::new([answer(400, &expired)]);
    let error = client(&script).list_groups(Some(&SyncToken("old".to_owned()))).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::CursorExpired);
    assert!(script.lines()[0].ends_with("&syncToken=old"));
}

#[tokio::test]
async fn a_label_is_created_once_and_put_on_contacts() {
    let script = Script::new([
        answer(
            200,
            &json!({"resourceName": "contactGroups/5d", "groupType": "USER_CONTACT_GROUP", "name": "Dafater"}),
        ),
        answer(
            409,
            &json!({"error": {"code": 409, "message": "Contact group name already exists", "status": "ALREADY_EXISTS"}}),
        ),
        answer(
            200,
            &json!({"notFoundResourceNames": ["people/c1"], "canNotRemoveLastContactGroupResourceNames": ["people/c2"]}),
        ),
    ]);
    let client = client(&script);
    let label = client.create_group("Dafater").await.unwrap();
    assert_eq!(script.json(0)["contactGroup"], json!({"name": "Dafater"}));
    assert_eq!(client.create_group("Dafater").await.unwrap_err().disposition(), Disposition::Refused);
    let (one, two) = (ResourceName("people/c1".to_owned()), ResourceName("people/c2".to_owned()));
    let modified = client
        .modify_members(&label.resource_name, std::slice::from_ref(&one), std::slice::from_ref(&two))
        .await
        .unwrap();
    assert_eq!(modified, MembersModified { not_found: vec![one], last_label: vec![two] });
    assert_eq!(script.lines()[2], "POST /v1/contactGroups/5d/members:modify");
    assert_eq!(
        script.json(2),
        json!({"resourceNamesToAdd": ["people/c1"], "resourceNamesToRemove": ["people/c2"]})
    );
}
