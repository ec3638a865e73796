import UIKit
import UniformTypeIdentifiers

/// What iOS starts in another app when something is shared into this one: it leaves the text where
/// the app finds it, says so, and ends.
///
/// Owns: one file in the group's container, in place of the one before. Never: a connection, an
/// account or a message; what of it is believed is decided in Rust, when the app is opened.
@objc(ShareViewController)
class ShareViewController: UIViewController {
  /// The longest text that is handed on, in code points; Rust cuts more exactly.
  private let longest = 100_000
  /// As `PhonePlugin.swift` reads it.
  private let file = "shared.txt"
  /// How long what is said can be read.
  private let reading: TimeInterval = 1.5

  private let words = UILabel()

  override func viewDidLoad() {
    super.viewDidLoad()
    view.backgroundColor = .systemBackground
    words.font = .preferredFont(forTextStyle: .headline)
    words.adjustsFontForContentSizeCategory = true
    words.textAlignment = .center
    words.numberOfLines = 0
    words.translatesAutoresizingMaskIntoConstraints = false
    view.addSubview(words)
    let margins = view.layoutMarginsGuide
    NSLayoutConstraint.activate([
      words.leadingAnchor.constraint(equalTo: margins.leadingAnchor),
      words.trailingAnchor.constraint(equalTo: margins.trailingAnchor),
      words.centerYAnchor.constraint(equalTo: margins.centerYAnchor),
    ])
  }

  override func viewDidAppear(_ animated: Bool) {
    super.viewDidAppear(animated)
    let items = extensionContext?.inputItems.compactMap { $0 as? NSExtensionItem } ?? []
    let providers = items.flatMap { $0.attachments ?? [] }
    read(.plainText, of: providers) { text in
      if let text { return self.end(kept: self.keep(text)) }
      self.read(.url, of: providers) { address in
        self.end(kept: address.map(self.keep) ?? false)
      }
    }
  }

  /// The first text or address of this type; on the main thread.
  private func read(
    _ type: UTType, of providers: [NSItemProvider], then: @escaping (String?) -> Void
  ) {
    let name = type.identifier
    guard let provider = providers.first(where: { $0.hasItemConformingToTypeIdentifier(name) })
    else {
      then(nil)
      return
    }
    provider.loadItem(forTypeIdentifier: name, options: nil) { item, _ in
      var text: String?
      switch item {
      case let given as String: text = given
      // An address is one of the web; where a file lies says nothing to anybody else.
      case let given as URL where ["http", "https"].contains(given.scheme?.lowercased() ?? ""):
        text = given.absoluteString
      default: text = nil
      }
      DispatchQueue.main.async { then(text) }
    }
  }

  /// Leaves it for the app; whether it could be left.
  private func keep(_ text: String) -> Bool {
    let bundle = Bundle.main.bundleIdentifier ?? ""
    let group = "group." + bundle.split(separator: ".").dropLast().joined(separator: ".")
    let files = FileManager.default
    guard var place = files.containerURL(forSecurityApplicationGroupIdentifier: group) else {
      return false
    }
    place.appendPathComponent(file)
    do {
      let bytes = Data(String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest))).utf8)
      try bytes.write(to: place, options: [.atomic, .completeFileProtection])
      var values = URLResourceValues()
      values.isExcludedFromBackup = true
      try place.setResourceValues(values)
      return true
    } catch {
      return false
    }
  }

  private func end(kept: Bool) {
    let said = Bundle.main.object(forInfoDictionaryKey: kept ? "SharedKept" : "SharedNothing")
    words.text = said as? String
    UIAccessibility.post(notification: .announcement, argument: words.text)
    DispatchQueue.main.asyncAfter(deadline: .now() + reading) {
      self.extensionContext?.completeRequest(returningItems: nil)
    }
  }
}
