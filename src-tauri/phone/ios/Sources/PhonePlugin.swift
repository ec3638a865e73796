import BackgroundTasks
import Network
import Tauri
import UIKit
import UserNotifications
import WebKit

struct ListenArgs: Decodable {
  let channel: Channel
  let notices: String
}

struct OnArgs: Decodable {
  let on: Bool
}

struct ShowArgs: Decodable {
  let account: String
  let conversation: String?
  let title: String
  let body: String
  let quiet: Bool
}

struct WithdrawArgs: Decodable {
  let account: String
  let conversation: String?
}

struct BadgeArgs: Decodable {
  let count: Int
}

/// What is told, in Rust's words: `src-tauri/phone/src/told.rs`.
enum Told: Encodable {
  case insets(keyboard: Double)
  case paused
  case resumed
  case network(up: Bool)
  case shared(text: String)
  case sharedOther
  case pressed(account: String, conversation: String?)
  case refresh
  case expired

  private enum Key: String, CodingKey {
    case told, top, right, bottom, left, keyboard, up, text, account, conversation
  }

  func encode(to encoder: Encoder) throws {
    var told = encoder.container(keyedBy: Key.self)
    switch self {
    case .insets(let keyboard):
      try told.encode("insets", forKey: .told)
      // The web view tells the page of all other edges by itself.
      for edge in [Key.top, .right, .bottom, .left] { try told.encode(0.0, forKey: edge) }
      try told.encode(keyboard, forKey: .keyboard)
    case .paused: try told.encode("paused", forKey: .told)
    case .resumed: try told.encode("resumed", forKey: .told)
    case .network(let up):
      try told.encode("network", forKey: .told)
      try told.encode(up, forKey: .up)
    case .shared(let text):
      try told.encode("shared", forKey: .told)
      try told.encode(text, forKey: .text)
    case .sharedOther: try told.encode("shared_other", forKey: .told)
    case .pressed(let account, let conversation):
      try told.encode("pressed", forKey: .told)
      try told.encode(account, forKey: .account)
      try told.encodeIfPresent(conversation, forKey: .conversation)
    case .refresh: try told.encode("refresh", forKey: .told)
    case .expired: try told.encode("expired", forKey: .told)
    }
  }
}

/// iOS's side of `src-tauri/phone/src/plugin.rs`: its commands, and what it tells through one
/// channel. It decides nothing; the page can't reach it. All that it owns is the main thread's.
class PhonePlugin: Plugin, UNUserNotificationCenterDelegate {
  /// Also in Info.plist, as BGTaskSchedulerPermittedIdentifiers.
  private let refreshTask = (Bundle.main.bundleIdentifier ?? "") + ".refresh"
  /// iOS decides when; it grants no more often than this.
  private let every: TimeInterval = 15 * 60
  /// Where `ShareViewController.swift` leaves what was shared: in the group of both.
  private let group = "group." + (Bundle.main.bundleIdentifier ?? "")
  private let file = "shared.txt"
  /// No text that was left is longer, in bytes: each of its code points has four at most.
  private let longest = 400_000

  private var channel: Channel?
  /// What was told before anybody listened.
  private var waiting: [Told] = []
  private let network = NWPathMonitor()
  /// Whether looks for news are wanted; nothing while nobody has said.
  private var refreshing: Bool?
  private var underWay: BGTask?
  private var leaving = UIBackgroundTaskIdentifier.invalid
  private var hides = false
  private var cover: UIView?

  override init() {
    super.init()
    // Before the app has finished launching, as the scheduler asks.
    BGTaskScheduler.shared.register(forTaskWithIdentifier: refreshTask, using: .main) {
      [weak self] task in
      self?.begin(task)
    }
    UNUserNotificationCenter.current().delegate = self
    observe(UIApplication.didEnterBackgroundNotification) { $0.entersBackground() }
    observe(UIApplication.willEnterForegroundNotification) { $0.comesForward() }
    observe(UIApplication.willResignActiveNotification) { $0.hide() }
    observe(UIApplication.didBecomeActiveNotification) {
      $0.unhide()
      $0.takeShared()
    }
    NotificationCenter.default.addObserver(
      forName: UIResponder.keyboardWillChangeFrameNotification, object: nil, queue: .main
    ) { [weak self] note in
      let frame = note.userInfo?[UIResponder.keyboardFrameEndUserInfoKey] as? CGRect
      self?.keyboardMoves(to: frame ?? .zero)
    }
    network.pathUpdateHandler = { [weak self] path in
      self?.tell(.network(up: path.status == .satisfied))
    }
    network.start(queue: .main)
  }

  @objc override public func load(webview: WKWebView) {
    // The page keeps clear of edges and keyboard itself; nothing moves it as a whole.
    webview.scrollView.contentInsetAdjustmentBehavior = .never
    webview.scrollView.isScrollEnabled = false
  }

  // MARK: Commands

  @objc public func listen(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(ListenArgs.self)
    DispatchQueue.main.async {
      self.channel = args.channel
      let told = self.waiting
      self.waiting = []
      told.forEach(self.tell)
      // Started in the background, for a look: nobody sees it.
      if UIApplication.shared.applicationState == .background { self.tell(.paused) }
    }
    invoke.resolve()
  }

  /// There is no button for it: a page is left by its own.
  @objc public func holdBack(_ invoke: Invoke) throws {
    invoke.resolve()
  }

  @objc public func protect(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(OnArgs.self)
    DispatchQueue.main.async { self.hides = args.on }
    invoke.resolve()
  }

  @objc public func mayNotify(_ invoke: Invoke) throws {
    resolvePermission(invoke)
  }

  @objc public func askToNotify(_ invoke: Invoke) throws {
    let center = UNUserNotificationCenter.current()
    center.requestAuthorization(options: [.alert, .sound, .badge]) { _, _ in
      self.resolvePermission(invoke)
    }
  }

  @objc public func show(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(ShowArgs.self)
    let content = UNMutableNotificationContent()
    content.title = args.title
    content.body = args.body
    content.sound = args.quiet ? nil : .default
    content.threadIdentifier = args.account
    content.userInfo = ["account": args.account]
    if let conversation = args.conversation { content.userInfo["conversation"] = conversation }
    let request = UNNotificationRequest(
      identifier: name(args.account, args.conversation), content: content, trigger: nil)
    UNUserNotificationCenter.current().add(request) { _ in invoke.resolve() }
  }

  @objc public func withdraw(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(WithdrawArgs.self)
    let names = [name(args.account, args.conversation)]
    UNUserNotificationCenter.current().removeDeliveredNotifications(withIdentifiers: names)
    invoke.resolve()
  }

  @objc public func badge(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(BadgeArgs.self)
    UNUserNotificationCenter.current().setBadgeCount(args.count) { _ in invoke.resolve() }
  }

  @objc public func refresh(_ invoke: Invoke) throws {
    let args = try invoke.parseArgs(OnArgs.self)
    DispatchQueue.main.async {
      self.refreshing = args.on
      if args.on {
        self.schedule()
      } else {
        BGTaskScheduler.shared.cancel(taskRequestWithIdentifier: self.refreshTask)
      }
    }
    invoke.resolve()
  }

  @objc public func rest(_ invoke: Invoke) throws {
    DispatchQueue.main.async {
      self.underWay?.setTaskCompleted(success: true)
      self.underWay = nil
      self.endLeaving()
    }
    invoke.resolve()
  }

  // MARK: The background

  private func schedule() {
    let request = BGAppRefreshTaskRequest(identifier: refreshTask)
    request.earliestBeginDate = Date(timeIntervalSinceNow: every)
    // Refused where a person has switched it off for the app: then there is none.
    try? BGTaskScheduler.shared.submit(request)
  }

  private func begin(_ task: BGTask) {
    guard refreshing != false else {
      task.setTaskCompleted(success: true)
      return
    }
    schedule()
    underWay = task
    task.expirationHandler = { [weak self] in
      DispatchQueue.main.async { self?.tell(.expired) }
    }
    tell(.refresh)
  }

  private func entersBackground() {
    endLeaving()
    leaving = UIApplication.shared.beginBackgroundTask { [weak self] in self?.endLeaving() }
    tell(.paused)
  }

  private func comesForward() {
    endLeaving()
    UNUserNotificationCenter.current().removeAllDeliveredNotifications()
    tell(.resumed)
  }

  private func endLeaving() {
    guard leaving != .invalid else { return }
    UIApplication.shared.endBackgroundTask(leaving)
    leaving = .invalid
  }

  // MARK: What is seen

  private func hide() {
    guard hides, cover == nil, let window = manager.viewController?.view.window else { return }
    let view = UIView(frame: window.bounds)
    view.autoresizingMask = [.flexibleWidth, .flexibleHeight]
    view.backgroundColor = .systemBackground
    window.addSubview(view)
    cover = view
  }

  private func unhide() {
    cover?.removeFromSuperview()
    cover = nil
  }

  private func keyboardMoves(to frame: CGRect) {
    guard let view = manager.viewController?.view, let window = view.window else { return }
    let local = view.convert(window.convert(frame, from: nil), from: window)
    tell(.insets(keyboard: Double(max(0, view.bounds.maxY - local.minY))))
  }

  // MARK: Shared texts

  /// Takes what another app has shared, once: whatever it is, it is gone afterwards.
  private func takeShared() {
    let files = FileManager.default
    guard
      let place = files.containerURL(forSecurityApplicationGroupIdentifier: group)?
        .appendingPathComponent(file),
      let open = try? FileHandle(forReadingFrom: place)
    else { return }
    let bytes = try? open.read(upToCount: longest + 1)
    try? open.close()
    try? files.removeItem(at: place)
    guard let bytes, bytes.count <= longest, let text = String(data: bytes, encoding: .utf8) else {
      tell(.sharedOther)
      return
    }
    tell(.shared(text: text))
  }

  // MARK: Notices

  // While the app is seen the page shows what comes, unless it looks elsewhere: that was decided.
  func userNotificationCenter(
    _ center: UNUserNotificationCenter, willPresent notification: UNNotification,
    withCompletionHandler completionHandler: @escaping (UNNotificationPresentationOptions) -> Void
  ) {
    completionHandler([.banner, .list, .sound])
  }

  func userNotificationCenter(
    _ center: UNUserNotificationCenter, didReceive response: UNNotificationResponse,
    withCompletionHandler completionHandler: @escaping () -> Void
  ) {
    let info = response.notification.request.content.userInfo
    if response.actionIdentifier == UNNotificationDefaultActionIdentifier,
      let account = info["account"] as? String
    {
      let conversation = info["conversation"] as? String
      DispatchQueue.main.async {
        self.tell(.pressed(account: account, conversation: conversation))
      }
    }
    completionHandler()
  }

  private func name(_ account: String, _ conversation: String?) -> String {
    "\(account) \(conversation ?? "")"
  }

  private func resolvePermission(_ invoke: Invoke) {
    UNUserNotificationCenter.current().getNotificationSettings { settings in
      switch settings.authorizationStatus {
      case .notDetermined: invoke.resolve(["state": "ask"])
      case .denied: invoke.resolve(["state": "denied"])
      default: invoke.resolve(["state": "granted"])
      }
    }
  }

  private func observe(_ name: Notification.Name, _ then: @escaping (PhonePlugin) -> Void) {
    NotificationCenter.default.addObserver(forName: name, object: nil, queue: .main) {
      [weak self] _ in
      if let self { then(self) }
    }
  }

  private func tell(_ told: Told) {
    guard let channel else {
      waiting.append(told)
      return
    }
    try? channel.send(told)
  }
}

@_cdecl("init_plugin_phone")
func initPlugin() -> Plugin {
  return PhonePlugin()
}
