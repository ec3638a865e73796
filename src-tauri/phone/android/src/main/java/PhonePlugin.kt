package app.whinchat.phone

import android.Manifest
import android.app.Activity
import android.net.ConnectivityManager
import android.net.Network
import android.os.Build
import android.view.View
import android.view.WindowManager
import androidx.activity.OnBackPressedCallback
import androidx.appcompat.app.AppCompatActivity
import androidx.core.graphics.Insets
import androidx.core.view.ViewCompat
import androidx.core.view.WindowInsetsCompat
import app.tauri.PermissionState
import app.tauri.annotation.Command
import app.tauri.annotation.InvokeArg
import app.tauri.annotation.Permission
import app.tauri.annotation.PermissionCallback
import app.tauri.annotation.TauriPlugin
import app.tauri.plugin.Channel
import app.tauri.plugin.Invoke
import app.tauri.plugin.JSObject
import app.tauri.plugin.Plugin

@InvokeArg
internal class ListenArgs {
  lateinit var channel: Channel
  lateinit var notices: String
}

@InvokeArg
internal class OnArgs {
  var on: Boolean = false
}

@InvokeArg
internal class ShowArgs {
  lateinit var account: String
  var conversation: String? = null
  lateinit var title: String
  lateinit var body: String
  var quiet: Boolean = false
}

@InvokeArg
internal class WithdrawArgs {
  lateinit var account: String
  var conversation: String? = null
}

@InvokeArg
internal class KeyArgs {
  lateinit var name: String
  lateinit var title: String
  lateinit var other: String
}

@InvokeArg
internal class NameArgs {
  lateinit var name: String
}

/**
 * Android's side of `src-tauri/phone/src/plugin.rs`: its commands, and what it tells through one
 * channel. It decides nothing; the page can't reach it.
 */
@TauriPlugin(
  permissions = [Permission(strings = [Manifest.permission.POST_NOTIFICATIONS], alias = "notices")]
)
class PhonePlugin(private val activity: Activity) : Plugin(activity) {
  private var channel: Channel? = null
  private var insets: JSObject? = null
  @Volatile private var held = false
  private var covered = false
  private lateinit var dressed: AppCompatActivity

  private val network = object : ConnectivityManager.NetworkCallback() {
    override fun onAvailable(network: Network) = tellNetwork(true)

    override fun onLost(network: Network) = tellNetwork(false)
  }

  private val back = object : OnBackPressedCallback(true) {
    override fun handleOnBackPressed() {
      if (held) tell("back") else dressed.moveTaskToBack(true)
    }
  }

  init {
    dress(activity as AppCompatActivity)
  }

  override fun onResume(activity: AppCompatActivity) {
    // Android may have made another activity in place of the one before.
    if (activity !== dressed) dress(activity)
    Notices.withdrawAll(activity)
    tell("resumed")
  }

  override fun onStop(activity: AppCompatActivity) = tell("paused")

  /**
   * The bars and the cutout are the page's to keep clear of. The keyboard makes the page smaller
   * here, for not every web view does that by itself; what is done is not told on.
   */
  private fun dress(next: AppCompatActivity) {
    dressed = next
    val content = next.findViewById<View>(android.R.id.content)
    ViewCompat.setOnApplyWindowInsetsListener(content) { view, all ->
      val edges = all.getInsets(
        WindowInsetsCompat.Type.systemBars() or WindowInsetsCompat.Type.displayCutout()
      )
      val keyboard = all.getInsets(WindowInsetsCompat.Type.ime()).bottom
      view.setPadding(0, 0, 0, keyboard)
      tellInsets(edges, if (keyboard > 0) 0 else edges.bottom)
      WindowInsetsCompat.Builder(all)
        .setInsets(WindowInsetsCompat.Type.ime(), Insets.NONE)
        .build()
    }
    ViewCompat.requestApplyInsets(content)
    // The last that is added is asked first: Tauri's own is beneath.
    back.remove()
    next.onBackPressedDispatcher.addCallback(next, back)
    cover()
  }

  private fun cover() {
    val window = dressed.window
    if (covered) {
      window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
    } else {
      window.clearFlags(WindowManager.LayoutParams.FLAG_SECURE)
    }
  }

  @Command
  fun listen(invoke: Invoke) {
    val args = invoke.parseArgs(ListenArgs::class.java)
    val first = channel == null
    channel = args.channel
    activity.runOnUiThread {
      Notices.makeChannel(activity, args.notices)
      insets?.let { args.channel.send(it) }
      if (first) {
        dress(dressed)
        activity.applicationContext.getSystemService(ConnectivityManager::class.java)
          .registerDefaultNetworkCallback(network)
      }
      Arrivals.listen { arrival -> tellArrival(arrival) }
    }
    invoke.resolve()
  }

  @Command
  fun holdBack(invoke: Invoke) {
    held = invoke.parseArgs(OnArgs::class.java).on
    invoke.resolve()
  }

  @Command
  fun protect(invoke: Invoke) {
    val on = invoke.parseArgs(OnArgs::class.java).on
    activity.runOnUiThread {
      covered = on
      cover()
    }
    invoke.resolve()
  }

  @Command
  fun mayNotify(invoke: Invoke) = resolvePermission(invoke)

  @Command
  fun askToNotify(invoke: Invoke) {
    if (permission() == "ask") {
      requestPermissionForAlias("notices", invoke, "asked")
    } else {
      resolvePermission(invoke)
    }
  }

  @PermissionCallback
  private fun asked(invoke: Invoke) = resolvePermission(invoke)

  @Command
  fun show(invoke: Invoke) {
    val args = invoke.parseArgs(ShowArgs::class.java)
    Notices.show(activity, args.account, args.conversation, args.title, args.body, args.quiet)
    invoke.resolve()
  }

  @Command
  fun withdraw(invoke: Invoke) {
    val args = invoke.parseArgs(WithdrawArgs::class.java)
    Notices.withdraw(activity, args.account, args.conversation)
    invoke.resolve()
  }

  /** Launchers draw a dot by themselves, from the notices that stand. */
  @Command
  fun badge(invoke: Invoke) = invoke.resolve()

  @Command
  fun refresh(invoke: Invoke) {
    RefreshService.schedule(activity, invoke.parseArgs(OnArgs::class.java).on)
    invoke.resolve()
  }

  /** Android puts the app to rest by itself. */
  @Command
  fun rest(invoke: Invoke) = invoke.resolve()

  @Command
  fun recognises(invoke: Invoke) =
    invoke.resolve(JSObject().apply { put("on", Keys.recognises(activity)) })

  @Command
  fun makeKey(invoke: Invoke) {
    val args = invoke.parseArgs(KeyArgs::class.java)
    activity.runOnUiThread {
      Keys.make(dressed, args.name, args.title, args.other, once(invoke))
    }
  }

  @Command
  fun giveKey(invoke: Invoke) {
    val args = invoke.parseArgs(KeyArgs::class.java)
    activity.runOnUiThread {
      Keys.give(dressed, args.name, args.title, args.other, once(invoke))
    }
  }

  @Command
  fun forgetKey(invoke: Invoke) {
    Keys.forget(activity, invoke.parseArgs(NameArgs::class.java).name)
    invoke.resolve()
  }

  /** Answers a question: the prompt's button and its end may both be told. */
  private fun once(invoke: Invoke): (Keys.Given) -> Unit {
    var answered = false
    return { given ->
      if (!answered) {
        answered = true
        val key = given.key?.joinToString("") { "%02x".format(it) }
        given.key?.fill(0)
        invoke.resolve(JSObject().apply {
          put("given", given.given)
          if (key != null) put("key", key)
        })
      }
    }
  }

  private fun permission(): String = when {
    Notices.areAllowed(activity) -> "granted"
    Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU -> "denied"
    getPermissionState("notices") == PermissionState.DENIED -> "denied"
    // Granted, but switched off in the system's settings.
    getPermissionState("notices") == PermissionState.GRANTED -> "denied"
    else -> "ask"
  }

  private fun resolvePermission(invoke: Invoke) =
    invoke.resolve(JSObject().apply { put("state", permission()) })

  private fun tell(what: String) {
    channel?.send(JSObject().apply { put("told", what) })
  }

  private fun tellNetwork(up: Boolean) {
    channel?.send(JSObject().apply {
      put("told", "network")
      put("up", up)
    })
  }

  private fun tellArrival(arrival: Arrivals.Arrival) {
    val told = JSObject()
    when (arrival) {
      is Arrivals.Arrival.Text -> told.apply {
        put("told", "shared")
        put("text", arrival.text)
      }
      is Arrivals.Arrival.Other -> told.put("told", "shared_other")
      is Arrivals.Arrival.Press -> told.apply {
        put("told", "pressed")
        put("account", arrival.account)
        put("conversation", arrival.conversation)
      }
    }
    channel?.send(told)
  }

  private fun tellInsets(edges: Insets, bottom: Int) {
    val density = activity.resources.displayMetrics.density.toDouble()
    val told = JSObject().apply {
      put("told", "insets")
      put("top", edges.top / density)
      put("right", edges.right / density)
      put("bottom", bottom / density)
      put("left", edges.left / density)
      put("keyboard", 0.0)
    }
    insets = told
    channel?.send(told)
  }
}
