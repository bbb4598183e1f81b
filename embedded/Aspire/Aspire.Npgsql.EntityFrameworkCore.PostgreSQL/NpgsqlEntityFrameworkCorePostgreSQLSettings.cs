namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>The settings of <c>AddNpgsqlDbContext</c> that this solution uses.</summary>
public sealed class NpgsqlEntityFrameworkCorePostgreSQLSettings
{
    /// <summary>The connection string; read from <c>ConnectionStrings:{connectionName}</c> unless set.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Turns off the retrying execution strategy.</summary>
    public bool DisableRetry { get; set; }

    /// <summary>Turns off the health check of the context.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Turns off the traces of Npgsql.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Turns off the metrics of Npgsql.</summary>
    public bool DisableMetrics { get; set; }

    /// <summary>The command time-out in seconds; the provider's default when null.</summary>
    public int? CommandTimeout { get; set; }
}
