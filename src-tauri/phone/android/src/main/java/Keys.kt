package app.whinchat.phone

import android.app.Activity
import android.content.Context
import android.content.DialogInterface
import android.hardware.biometrics.BiometricManager
import android.hardware.biometrics.BiometricManager.Authenticators.BIOMETRIC_STRONG
import android.hardware.biometrics.BiometricPrompt
import android.os.Build
import android.os.CancellationSignal
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import androidx.annotation.RequiresApi
import java.io.File
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.SecureRandom
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * Keys that are given to a recognised person alone: each 32 random bytes, sealed by a key of the
 * Keystore that works only with a strong biometric of now, and only once for each recognition. When
 * a finger or a face is added, Android destroys that key.
 *
 * It knows no account's secret: Rust seals those under what is given here. The prompt and the
 * classes that it needs are Android 11's and newer.
 */
object Keys {
  /** What becomes of a question, in Rust's words: `src-tauri/phone/src/given.rs`. */
  class Given(val given: String, val key: ByteArray? = null)

  private const val STORE = "AndroidKeyStore"
  private const val CIPHER = "AES/GCM/NoPadding"
  private const val LENGTH = 32
  private const val NONCE = 12
  private const val TAG_BITS = 128

  fun recognises(context: Context): Boolean =
    Build.VERSION.SDK_INT >= Build.VERSION_CODES.R && canAuthenticate(context)

  @RequiresApi(Build.VERSION_CODES.R)
  private fun canAuthenticate(context: Context): Boolean =
    context.getSystemService(BiometricManager::class.java)?.canAuthenticate(BIOMETRIC_STRONG) ==
      BiometricManager.BIOMETRIC_SUCCESS

  /** A new key, in place of the one before. On the main thread. */
  fun make(activity: Activity, name: String, title: String, other: String, then: (Given) -> Unit) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return then(Given("unavailable"))
    forget(activity, name)
    attempt(then) {
      val cipher = Cipher.getInstance(CIPHER)
      cipher.init(Cipher.ENCRYPT_MODE, generate(name))
      ask(activity, title, other, cipher, then) { ready ->
        val key = ByteArray(LENGTH).also { SecureRandom().nextBytes(it) }
        val sealed = ready.iv + ready.doFinal(key)
        val file = file(activity, name)
        file.parentFile?.mkdirs()
        file.writeBytes(sealed)
        Given("key", key)
      }
    }
  }

  /** The key of this name. On the main thread. */
  fun give(activity: Activity, name: String, title: String, other: String, then: (Given) -> Unit) {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return then(Given("unavailable"))
    attempt(then) {
      val file = file(activity, name)
      val guard = store().getKey(name, null) as SecretKey?
      if (guard == null || !file.exists()) return@attempt then(Given("gone"))
      val sealed = file.readBytes()
      if (sealed.size <= NONCE) return@attempt then(Given("gone"))
      val cipher = Cipher.getInstance(CIPHER)
      cipher.init(Cipher.DECRYPT_MODE, guard, GCMParameterSpec(TAG_BITS, sealed, 0, NONCE))
      ask(activity, title, other, cipher, then) { ready ->
        Given("key", ready.doFinal(sealed, NONCE, sealed.size - NONCE))
      }
    }
  }

  fun forget(context: Context, name: String) {
    file(context, name).delete()
    try {
      store().deleteEntry(name)
    } catch (_: GeneralSecurityException) {
      // Without the file it opens nothing.
    } catch (_: IOException) {
      // As above.
    }
  }

  private fun store(): KeyStore = KeyStore.getInstance(STORE).apply { load(null) }

  /** Never in a backup; the name is Rust's, an id. */
  private fun file(context: Context, name: String) = File(File(context.noBackupFilesDir, "keys"), name)

  @RequiresApi(Build.VERSION_CODES.R)
  private fun generate(name: String): SecretKey {
    val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
    val spec = KeyGenParameterSpec.Builder(name, purposes)
      .setKeySize(256)
      .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
      .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
      .setUserAuthenticationRequired(true)
      // For every use anew, and by a biometric alone.
      .setUserAuthenticationParameters(0, KeyProperties.AUTH_BIOMETRIC_STRONG)
      .setInvalidatedByBiometricEnrollment(true)
      .build()
    val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, STORE)
    generator.init(spec)
    return generator.generateKey()
  }

  /** Does it, and says in one word what failed. */
  private fun attempt(then: (Given) -> Unit, work: () -> Unit) {
    try {
      work()
    } catch (_: KeyPermanentlyInvalidatedException) {
      then(Given("gone"))
    } catch (_: AEADBadTagException) {
      then(Given("gone"))
    } catch (_: GeneralSecurityException) {
      then(Given("unavailable"))
    } catch (_: IOException) {
      then(Given("unavailable"))
    } catch (_: RuntimeException) {
      // What the Keystore throws where there is nobody to recognise any more, and the like.
      then(Given("unavailable"))
    }
  }

  @RequiresApi(Build.VERSION_CODES.R)
  private fun ask(
    activity: Activity,
    title: String,
    other: String,
    cipher: Cipher,
    then: (Given) -> Unit,
    recognised: (Cipher) -> Given,
  ) {
    val prompt = BiometricPrompt.Builder(activity)
      .setTitle(title)
      .setAllowedAuthenticators(BIOMETRIC_STRONG)
      .setNegativeButton(
        other,
        activity.mainExecutor,
        DialogInterface.OnClickListener { _, _ -> then(Given("cancelled")) },
      )
      .build()
    val answers = object : BiometricPrompt.AuthenticationCallback() {
      override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult) {
        val ready = result.cryptoObject?.cipher ?: return then(Given("unavailable"))
        attempt(then) { then(recognised(ready)) }
      }

      // A try that failed is the prompt's to tell: it goes on until one of these.
      override fun onAuthenticationError(code: Int, words: CharSequence?) = then(Given(word(code)))
    }
    prompt.authenticate(
      BiometricPrompt.CryptoObject(cipher),
      CancellationSignal(),
      activity.mainExecutor,
      answers,
    )
  }

  @RequiresApi(Build.VERSION_CODES.R)
  private fun word(code: Int): String = when (code) {
    BiometricPrompt.BIOMETRIC_ERROR_LOCKOUT,
    BiometricPrompt.BIOMETRIC_ERROR_LOCKOUT_PERMANENT -> "too_many_tries"
    BiometricPrompt.BIOMETRIC_ERROR_USER_CANCELED,
    BiometricPrompt.BIOMETRIC_ERROR_CANCELED,
    BiometricPrompt.BIOMETRIC_ERROR_TIMEOUT -> "cancelled"
    BiometricPrompt.BIOMETRIC_ERROR_UNABLE_TO_PROCESS -> "not_recognised"
    else -> "unavailable"
  }
}
