//! Tells Tauri where this project keeps its capabilities and permissions: the
//! app's folder is the root, everything of the shell lies in `src-tauri`.

fn main() {
    println!("cargo:rerun-if-changed=tauri.conf.json");
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|system| system == "android") {
        // Devices with memory pages of 16 KB load nothing that is aligned to less.
        println!("cargo:rustc-link-arg=-Wl,-z,max-page-size=16384");
    }
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("src-tauri/capabilities/*.json")
        .app_manifest(
            tauri_build::AppManifest::new()
                .permissions_path_pattern("src-tauri/permissions/*.toml"),
        );
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
