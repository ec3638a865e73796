package app.whinchat.Whinchat

import android.content.Intent
import android.os.Bundle
import androidx.activity.enableEdgeToEdge
import app.whinchat.phone.Arrivals
import app.whinchat.phone.Core

class MainActivity : TauriActivity() {
  override fun onCreate(savedInstanceState: Bundle?) {
    // Before Tauri begins: a look for news may be under way in this process.
    Core.windowBegins(applicationContext)
    // And before it reads the intent: a shared text is the app's own to take.
    Arrivals.take(intent)
    enableEdgeToEdge()
    super.onCreate(savedInstanceState)
  }

  override fun onNewIntent(intent: Intent) {
    Arrivals.take(intent)
    super.onNewIntent(intent)
  }
}
