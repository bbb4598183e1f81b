using Npgsql;

namespace LlmAspire.Usage;

/// <summary>What PostgreSQL's error codes mean for an event; see appendix A of its manual.</summary>
internal static class SqlErrors
{
    /// <summary>The data themselves are refused: the same statement with the same data will fail again.</summary>
    public static bool IsDataError(PostgresException exception) =>
        !IsMissingPartition(exception)
        && exception.SqlState[..2] is "22" or "23" or "54"; // data exception, constraint violation, a limit of the program

    /// <summary>Another session was faster; the same statement will succeed.</summary>
    public static bool IsLostRace(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure;

    /// <summary>The row is there already.</summary>
    public static bool IsDuplicate(PostgresException exception) => exception.SqlState == PostgresErrorCodes.UniqueViolation;

    /// <summary>No partition takes the row. It comes as a violated check without the name of one.</summary>
    public static bool IsMissingPartition(PostgresException exception) =>
        exception.SqlState == PostgresErrorCodes.CheckViolation && string.IsNullOrEmpty(exception.ConstraintName);
}
