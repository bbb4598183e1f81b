using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LlmAspire.Api.Data;

/// <summary>For <c>dotnet ef migrations add</c>, which needs the model but no database.</summary>
internal sealed class TenantContextFactory : IDesignTimeDbContextFactory<TenantContext>
{
    public TenantContext CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<TenantContext>();
        options.UseNpgsql();
        TenantContext.Configure(options);
        return new TenantContext(options.Options);
    }
}
