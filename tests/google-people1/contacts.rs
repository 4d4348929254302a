//! One contact, many contacts, and a contact's photo.

use google_people1::api::{
    BatchCreateContactsRequest, BatchDeleteContactsRequest, BatchUpdateContactsRequest, ContactToCreate,
    EmailAddress, Person, UpdateContactPhotoRequest,
};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::office::{Office, fields, given_name, mask, named, refusal};

#[tokio::test]
async fn a_contact_is_created_read_updated_under_its_etag_and_deleted() {
    let office = Office::open().await;
    let people = office.hub.people();
    let (_, created) = people.create_contact(named("Ada")).person_fields(fields()).doit().await.unwrap();
    let name = created.resource_name.clone().unwrap();
    assert_eq!(given_name(&created), "Ada");

    let (_, read) = people.get(&name).person_fields(fields()).doit().await.unwrap();
    let mut edited = read.clone();
    edited.email_addresses =
        Some(vec![EmailAddress { value: Some("ada@example.com".to_owned()), ..EmailAddress::default() }]);
    let update = people.update_contact(edited.clone(), &name).update_person_fields(mask(&["emailAddresses"]));
    let (_, updated) = update.person_fields(fields()).doit().await.unwrap();
    assert_ne!(updated.etag, read.etag);
    assert_eq!(updated.email_addresses.unwrap()[0].value.as_deref(), Some("ada@example.com"));

    // The same once more is written with an etag that is no longer true.
    let update = people.update_contact(edited, &name).update_person_fields(mask(&["emailAddresses"]));
    assert_eq!(refusal(update.doit().await.unwrap_err()).0, "FAILED_PRECONDITION");

    people.delete_contact(&name).doit().await.unwrap();
    let again = people.get(&name).person_fields(fields()).doit().await.unwrap_err();
    assert_eq!(refusal(again).0, "NOT_FOUND");
}

#[tokio::test]
async fn batches_create_read_update_and_delete() {
    let office = Office::open().await;
    let people = office.hub.people();
    let contacts =
        ["Ada", "Berta", "Carl"].map(|given| ContactToCreate { contact_person: Some(named(given)) });
    let request = BatchCreateContactsRequest {
        contacts: Some(contacts.into()),
        read_mask: Some(fields()),
        sources: Some(vec!["READ_SOURCE_TYPE_CONTACT".to_owned()]),
    };
    let (_, answer) = people.batch_create_contacts(request).doit().await.unwrap();
    let created: Vec<Person> =
        answer.created_people.unwrap().into_iter().map(|one| one.person.unwrap()).collect();
    assert_eq!(created.iter().map(given_name).collect::<Vec<_>>(), ["Ada", "Berta", "Carl"]);
    let names: Vec<String> = created.iter().map(|person| person.resource_name.clone().unwrap()).collect();

    let renamed = |index: usize, given| Person { etag: created[index].etag.clone(), ..named(given) };
    let request = BatchUpdateContactsRequest {
        contacts: Some(
            [(names[0].clone(), renamed(0, "Adele")), (names[1].clone(), renamed(1, "Bella"))].into(),
        ),
        read_mask: Some(fields()),
        update_mask: Some(mask(&["names"])),
        sources: None,
    };
    let (_, answer) = people.batch_update_contacts(request).doit().await.unwrap();
    let results = answer.update_result.unwrap();
    assert_eq!(given_name(results[&names[1]].person.as_ref().unwrap()), "Bella");

    let mut call = people.get_batch_get().person_fields(fields());
    for name in &names {
        call = call.add_resource_names(name);
    }
    let (_, answer) = call.doit().await.unwrap();
    let found: Vec<Person> = answer.responses.unwrap().into_iter().map(|one| one.person.unwrap()).collect();
    assert_eq!(found.iter().map(given_name).collect::<Vec<_>>(), ["Adele", "Bella", "Carl"]);

    let request = BatchDeleteContactsRequest { resource_names: Some(names) };
    people.batch_delete_contacts(request).doit().await.unwrap();
    let (_, left) = people.connections_list("people/me").person_fields(fields()).doit().await.unwrap();
    assert_eq!(left.connections.map(|rest| rest.len()).unwrap_or_default(), 0);
}

#[tokio::test]
async fn a_photo_is_put_and_taken_away() {
    let office = Office::open().await;
    let people = office.hub.people();
    let name = office.add("Ada");
    let picture = b"\x89PNG\r\n\x1a\n and a picture".as_slice();
    let request = UpdateContactPhotoRequest {
        photo_bytes: Some(picture.to_vec()),
        person_fields: Some(fields()),
        sources: None,
    };
    let (_, answer) = people.update_contact_photo(request, &name).doit().await.unwrap();
    let photos = answer.person.unwrap().photos.unwrap();
    assert_eq!((photos.len(), photos[0].default), (1, None));
    let browser = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(HttpConnector::new());
    let shown = browser.get(photos[0].url.as_deref().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(shown.into_body().collect().await.unwrap().to_bytes(), picture);

    people.delete_contact_photo(&name).person_fields(fields()).doit().await.unwrap();
    let (_, bare) = people.get(&name).person_fields(fields()).doit().await.unwrap();
    assert!(bare.photos.unwrap_or_default().iter().all(|photo| photo.default == Some(true)));
}
