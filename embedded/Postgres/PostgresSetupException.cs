namespace LlmAspire.EmbeddedPostgres;

/// <summary>The server cannot start for a reason that the user can remove. The message says how; no stack trace is needed.</summary>
public sealed class PostgresSetupException(string message, Exception? innerException = null) : Exception(message, innerException);
