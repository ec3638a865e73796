package app.whinchat.phone

import android.Manifest
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.content.pm.PackageManager
import android.os.Build
import androidx.core.app.NotificationCompat
import androidx.core.app.NotificationManagerCompat
import androidx.core.content.ContextCompat
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/**
 * Notices in Android's words, with a window or without one. What they say, and whether they say
 * it, was decided in Rust.
 */
object Notices {
  private const val CHANNEL = "messages"

  /** All have one number: the tag tells them apart. */
  private const val NUMBER = 1

  fun makeChannel(context: Context, name: String) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.O) return
    val channel = NotificationChannel(CHANNEL, name, NotificationManager.IMPORTANCE_HIGH)
    channel.lockscreenVisibility = NotificationCompat.VISIBILITY_PRIVATE
    context.getSystemService(NotificationManager::class.java).createNotificationChannel(channel)
  }

  fun areAllowed(context: Context): Boolean {
    val granted = Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU ||
      ContextCompat.checkSelfPermission(context, Manifest.permission.POST_NOTIFICATIONS) ==
      PackageManager.PERMISSION_GRANTED
    return granted && NotificationManagerCompat.from(context).areNotificationsEnabled()
  }

  fun show(
    context: Context,
    account: String,
    conversation: String?,
    title: String,
    body: String,
    quiet: Boolean,
  ) {
    if (!areAllowed(context)) return
    val tag = tag(account, conversation)
    val press = Arrivals.pressOn(context, account, conversation)?.let { intent ->
      val flags = PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE
      PendingIntent.getActivity(context, tag.hashCode(), intent, flags)
    }
    val notice = NotificationCompat.Builder(context, CHANNEL)
      .setSmallIcon(R.drawable.notice)
      .setContentTitle(title)
      .setContentText(body)
      .setStyle(NotificationCompat.BigTextStyle().bigText(body))
      .setCategory(NotificationCompat.CATEGORY_MESSAGE)
      .setVisibility(NotificationCompat.VISIBILITY_PRIVATE)
      .setPriority(NotificationCompat.PRIORITY_HIGH)
      .setAutoCancel(true)
      .setSilent(quiet)
      .setContentIntent(press)
      .build()
    try {
      NotificationManagerCompat.from(context).notify(tag, NUMBER, notice)
    } catch (_: SecurityException) {
      // Forbidden between the question and this.
    }
  }

  fun withdraw(context: Context, account: String, conversation: String?) {
    NotificationManagerCompat.from(context).cancel(tag(account, conversation), NUMBER)
  }

  /** A person is in the app: there all of it can be seen. */
  fun withdrawAll(context: Context) {
    NotificationManagerCompat.from(context).cancelAll()
  }

  /** Does what a look for news came to: `[{"order":"show",…},{"order":"withdraw",…}]`. */
  fun obey(context: Context, orders: String) {
    try {
      val all = JSONArray(orders)
      for (at in 0 until all.length()) obey(context, all.getJSONObject(at))
    } catch (_: JSONException) {
      // Ours, and tested where it is made; what can't be read is not shown.
    }
  }

  private fun obey(context: Context, order: JSONObject) {
    val account = order.getString("account")
    val conversation = if (order.isNull("conversation")) null else order.getString("conversation")
    when (order.getString("order")) {
      "show" -> show(
        context,
        account,
        conversation,
        order.getString("title"),
        order.getString("body"),
        order.getBoolean("quiet"),
      )
      "withdraw" -> withdraw(context, account, conversation)
    }
  }

  private fun tag(account: String, conversation: String?) = "$account ${conversation ?: ""}"
}
