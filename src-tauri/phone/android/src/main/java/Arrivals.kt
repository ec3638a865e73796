package app.whinchat.phone

import android.content.Context
import android.content.Intent

/**
 * What comes from outside by an intent: a text of another app, or a press on a notice.
 *
 * It is taken out of the intent before anybody else looks at it, kept until the app's own
 * side listens, and handed over once. What of it is believed is decided there.
 */
object Arrivals {
  /** The action of a press on a notice. */
  const val PRESS = "app.whinchat.phone.PRESS"
  const val ACCOUNT = "account"
  const val CONVERSATION = "conversation"

  /** The longest text that is handed on, in letters; Rust cuts more exactly. */
  private const val LONGEST = 100_000

  sealed class Arrival {
    class Text(val text: String) : Arrival()

    object Other : Arrival()

    class Press(val account: String, val conversation: String?) : Arrival()
  }

  private val waiting = ArrayList<Arrival>()
  private var listener: ((Arrival) -> Unit)? = null

  /** Takes what an intent brings, and leaves the intent as an ordinary start. */
  @Synchronized
  fun take(intent: Intent?) {
    if (intent == null) return
    val arrival = when (intent.action) {
      Intent.ACTION_SEND, Intent.ACTION_SEND_MULTIPLE -> shared(intent)
      PRESS -> press(intent)
      else -> return
    }
    intent.action = Intent.ACTION_MAIN
    intent.replaceExtras(null as android.os.Bundle?)
    intent.clipData = null
    // From the overview of apps the same intent comes again, long after.
    if (intent.flags and Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY != 0) return
    if (arrival == null) return
    listener?.invoke(arrival) ?: waiting.add(arrival)
  }

  /** Hands over what waits, and from now on whatever comes. */
  @Synchronized
  fun listen(next: (Arrival) -> Unit) {
    listener = next
    waiting.forEach(next)
    waiting.clear()
  }

  /** What a press on the notice of this conversation starts; none where the app can't be started. */
  fun pressOn(context: Context, account: String, conversation: String?): Intent? =
    context.packageManager.getLaunchIntentForPackage(context.packageName)?.apply {
      action = PRESS
      putExtra(ACCOUNT, account)
      putExtra(CONVERSATION, conversation)
      flags = Intent.FLAG_ACTIVITY_NEW_TASK or Intent.FLAG_ACTIVITY_SINGLE_TOP
    }

  // Extras are made by other apps: one that can't be read is as if there were none.
  private fun shared(intent: Intent): Arrival = try {
    val text = intent.getCharSequenceExtra(Intent.EXTRA_TEXT)
    if (text == null) Arrival.Other else Arrival.Text(text.take(LONGEST).toString())
  } catch (_: RuntimeException) {
    Arrival.Other
  }

  private fun press(intent: Intent): Arrival? = try {
    val account = intent.getStringExtra(ACCOUNT)
    if (account == null) null else Arrival.Press(account, intent.getStringExtra(CONVERSATION))
  } catch (_: RuntimeException) {
    null
  }
}
