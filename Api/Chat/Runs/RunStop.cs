using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>Stops runs of the tenant, whichever process makes them.</summary>
internal sealed class RunStop(TenantContext tenants, ChatRuns runs, NpgsqlDataSource source)
{
    /// <returns>False when there is none, or it is over.</returns>
    public async Task<bool> StopAsync(Guid id, CancellationToken cancellationToken)
    {
        if (tenants.Tenant is { } tenant && runs.Find(id, tenant.UserId) is { } run)
        {
            var running = !run.IsOver;
            run.Stop();
            return running;
        }

        if (await tenants.Runs.Where(row => row.Id == id && row.State == MessageStatus.Running)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.StopRequested, true), cancellationToken) == 0)
        {
            return false;
        }

        await TellAsync(id, cancellationToken);
        return true;
    }

    /// <summary>Tells the process that makes it. Should that not hear, it sees it when it next stores events.</summary>
    public async Task TellAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var notify = source.CreateCommand($"SELECT pg_notify('{RunSignals.StopChannel}', $1)");
        notify.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id.ToString() });
        await notify.ExecuteNonQueryAsync(cancellationToken);
    }
}
