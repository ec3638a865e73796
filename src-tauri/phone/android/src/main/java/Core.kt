package app.whinchat.phone

import android.content.Context

/**
 * What Kotlin calls in the app's library: `src-tauri/src/mobile/job.rs`. Nothing else crosses
 * but what Tauri carries.
 */
object Core {
  init {
    System.loadLibrary("whinchat_app")
  }

  /** Before anything else of an activity. Ends a look for news and waits for that. */
  @JvmStatic external fun windowBegins(context: Context)

  /** Looks for news on this data folder; what is to be shown, as JSON. Takes up to 25 seconds. */
  @JvmStatic external fun refresh(context: Context, data: String): String?

  /** The system wants its time back: the look for news ends. */
  @JvmStatic external fun stop()
}
