use super::*;

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let etc = Etc::valid();
    etc.write("conf.d/a.toml", "\u{FEFF}log.levle = \"warn\"\r\n[accounts.sales]\r\nnabel = \"x\"\r\n");
    let places: Vec<_> = etc.refused().iter().map(|finding| finding.place.position().unwrap()).collect();
    assert_eq!(places.iter().map(|at| (at.line, at.column)).collect::<Vec<_>>(), [(1, 5), (3, 1)]);
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let etc = Etc::valid();
    etc.write_bytes("conf.d/1-latin.toml", b"[log]\n# caf\xE9\n");
    fs::create_dir(etc.path("conf.d/2-directory.toml")).unwrap();
    etc.write("conf.d/3-huge.toml", &"# and so on\n".repeat(100_000));
    std::os::unix::fs::symlink("/nowhere", etc.path("conf.d/4-dangling.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", etc.path("conf.d/5-device.toml")).unwrap();
    etc.write("conf.d/6-wrong.toml", "[log]\nlevel = \"verbose\"\n");
    assert_eq!(
        etc.errors(),
        [
            "conf.d/1-latin.toml:2:6: : the file is not UTF-8",
            "conf.d/2-directory.toml: : cannot read the configuration: is a directory",
            "conf.d/3-huge.toml: : the file is larger than 1024 KiB",
            "conf.d/4-dangling.toml: : cannot read the configuration: there is no such file",
            "conf.d/5-device.toml: : the drop-in is not a regular file",
            "conf.d/6-wrong.toml:2:1: log.level: `level` in [log] must be one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", but is `verbose`",
        ]
    );
}

#[test]
fn without_any_configuration_the_error_names_the_file_to_write() {
    let etc = Etc::empty();
    assert_eq!(
        etc.errors(),
        [
            "config.toml: dafater: there is no configuration: config.toml does not exist, and [dafater] is set nowhere"
        ]
    );
    etc.write("config.toml", "");
    assert_eq!(
        etc.errors(),
        ["config.toml: dafater: config.toml configures nothing: [dafater] is set nowhere"]
    );
}

#[test]
fn drop_ins_alone_are_a_configuration_too() {
    let etc = Etc::empty();
    etc.write("conf.d/all.toml", VALID);
    assert_eq!(etc.loaded().config.accounts.len(), 1);
}

#[test]
fn a_drop_in_directory_that_is_a_file_is_refused() {
    let etc = Etc::valid();
    etc.write("conf.d", "");
    assert_eq!(etc.errors(), ["conf.d: : cannot list the drop-ins: not a directory"]);
}
