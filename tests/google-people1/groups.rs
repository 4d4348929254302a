//! `contactGroups`: labels and who carries them.

use google_people1::api::{
    ContactGroup, CreateContactGroupRequest, ModifyContactGroupMembersRequest, UpdateContactGroupRequest,
};

use crate::office::{Office, fields, mask, refusal};

fn label(name: &str) -> ContactGroup {
    ContactGroup { name: Some(name.to_owned()), ..ContactGroup::default() }
}

#[tokio::test]
async fn a_label_is_made_carried_renamed_and_taken_away() {
    let office = Office::open().await;
    let (groups, ada) = (office.hub.contact_groups(), office.add("Ada"));
    let request = || CreateContactGroupRequest {
        contact_group: Some(label("Customers")),
        ..CreateContactGroupRequest::default()
    };
    let (_, made) = groups.create(request()).doit().await.unwrap();
    let name = made.resource_name.clone().unwrap();
    assert_eq!(made.group_type.as_deref(), Some("USER_CONTACT_GROUP"));
    assert_eq!(refusal(groups.create(request()).doit().await.unwrap_err()).0, "ALREADY_EXISTS");

    let request = ModifyContactGroupMembersRequest {
        resource_names_to_add: Some(vec![ada.clone(), "people/c404".to_owned()]),
        resource_names_to_remove: None,
    };
    let (_, answer) = groups.members_modify(request, &name).doit().await.unwrap();
    assert_eq!(answer.not_found_resource_names.unwrap(), ["people/c404"]);
    let (_, person) = office.hub.people().get(&ada).person_fields(fields()).doit().await.unwrap();
    let carried =
        person.memberships.unwrap().into_iter().filter_map(|one| {
            one.contact_group_membership.and_then(|group| group.contact_group_resource_name)
        });
    assert!(carried.collect::<Vec<_>>().contains(&name));

    let (_, read) = groups.get(&name).max_members(10).doit().await.unwrap();
    assert_eq!((read.member_count, read.member_resource_names.unwrap()), (Some(1), vec![ada.clone()]));
    let request = UpdateContactGroupRequest {
        contact_group: Some(ContactGroup { etag: read.etag, ..label("Clients") }),
        read_group_fields: Some(mask(&["name"])),
        update_group_fields: Some(mask(&["name"])),
    };
    let (_, renamed) = groups.update(request, &name).doit().await.unwrap();
    assert_eq!(renamed.name.as_deref(), Some("Clients"));

    let (_, all) = groups.list().page_size(1_000).doit().await.unwrap();
    let all = all.contact_groups.unwrap();
    let is_label = |group: &&ContactGroup| group.group_type.as_deref() == Some("USER_CONTACT_GROUP");
    assert_eq!(all.iter().filter(is_label).count(), 1);
    assert!(all.iter().any(|group| group.resource_name.as_deref() == Some("contactGroups/myContacts")));

    groups.delete(&name).doit().await.unwrap();
    assert_eq!(refusal(groups.get(&name).doit().await.unwrap_err()).0, "NOT_FOUND");
    // The label went; who carried it stayed.
    office.hub.people().get(&ada).person_fields(fields()).doit().await.unwrap();
}
