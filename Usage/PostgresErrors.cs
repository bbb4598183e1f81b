using System.Net.Sockets;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>What a failure of the database says of it.</summary>
public static class PostgresErrors
{
    /// <summary>Whether PostgreSQL is away, is starting or stopping, or takes no more connections: a state to wait through, which no stack explains.</summary>
    public static bool IsAway(Exception exception) => exception switch
    {
        RetryLimitExceededException { InnerException: { } inner } => IsAway(inner),
        PostgresException refused => refused.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.AdminShutdown
            or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.TooManyConnections,
        NpgsqlException { InnerException: IOException or SocketException or TimeoutException } => true,
        _ => false,
    };

    /// <summary>The reason in a line: the connection's, which is the innermost.</summary>
    public static string Reason(Exception exception) => exception.GetBaseException().Message;
}
