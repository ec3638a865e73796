// swift-tools-version:5.9

import PackageDescription

let package = Package(
  name: "whinchat-phone",
  platforms: [.iOS(.v17)],
  products: [
    .library(name: "whinchat-phone", type: .static, targets: ["whinchat-phone"])
  ],
  dependencies: [
    .package(name: "Tauri", path: "../.tauri/tauri-api")
  ],
  targets: [
    .target(name: "whinchat-phone", dependencies: [.byName(name: "Tauri")], path: "Sources")
  ]
)
