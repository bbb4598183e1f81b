using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace LlmAspire.Api.Identity;

/// <summary>Thrown when an account is needed, PostgreSQL does not answer, and nothing recent is remembered.</summary>
internal sealed class DatabaseAwayException(Exception inner) : Exception("PostgreSQL does not answer.", inner)
{
    /// <summary>Whether an exception of EF Core or Npgsql means that PostgreSQL is away; any other is an error.</summary>
    public static bool IsMeantBy(Exception exception) =>
        exception is DatabaseAwayException or RetryLimitExceededException or NpgsqlException { IsTransient: true };
}
