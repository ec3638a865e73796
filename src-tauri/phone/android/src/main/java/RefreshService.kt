package app.whinchat.phone

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import kotlin.concurrent.thread

/**
 * The look for news in the background: every quarter of an hour at best, as Android sees fit.
 * It owns no connection; Rust looks, and hands back what is to be shown.
 */
class RefreshService : JobService() {
  override fun onStartJob(parameters: JobParameters): Boolean {
    thread(name = "refresh") {
      val orders = Core.refresh(applicationContext, applicationContext.dataDir.absolutePath)
      if (orders != null) Notices.obey(applicationContext, orders)
      jobFinished(parameters, false)
    }
    return true
  }

  override fun onStopJob(parameters: JobParameters): Boolean {
    Core.stop()
    // The next quarter of an hour comes by itself.
    return false
  }

  companion object {
    private const val NUMBER = 1

    /** The shortest that Android grants. */
    private const val EVERY_MILLIS = 15L * 60 * 1000

    fun schedule(context: Context, on: Boolean) {
      val scheduler = context.getSystemService(JobScheduler::class.java)
      if (!on) {
        scheduler.cancel(NUMBER)
        return
      }
      // Begun anew it would wait anew, at each start of the app.
      if (scheduler.getPendingJob(NUMBER) != null) return
      val job = JobInfo.Builder(NUMBER, ComponentName(context, RefreshService::class.java))
        .setPeriodic(EVERY_MILLIS)
        .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
        .setPersisted(true)
        .build()
      scheduler.schedule(job)
    }
  }
}
