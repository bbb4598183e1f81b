using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LlmAspire.Usage;

/// <summary>For <c>dotnet ef migrations add</c>, which needs the model but no database.</summary>
internal sealed class LedgerContextFactory : IDesignTimeDbContextFactory<LedgerContext>
{
    public LedgerContext CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<LedgerContext>();
        options.UseNpgsql();
        LedgerContext.Configure(options);
        return new LedgerContext(options.Options);
    }
}
